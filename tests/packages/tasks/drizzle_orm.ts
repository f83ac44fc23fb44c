// Reads the orders of customers from PostgreSQL with typed queries over pg.

import { eq, gt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/node-postgres";
import { integer, pgTable, serial, text } from "drizzle-orm/pg-core";
import pg from "pg";

const customers = pgTable("customers", {
  id: serial("id").primaryKey(),
  name: text("name").notNull(),
});
const orders = pgTable("orders", {
  customerId: integer("customer_id").notNull(),
  cents: integer("cents").notNull(),
});

/** What each customer with large orders has ordered. */
export default async function sumOrders(server: {
  host: string;
  port: number;
  user: string;
  database: string;
}) {
  const pool = new pg.Pool({ ...server, max: 1 });
  try {
    const database = drizzle(pool);
    await database.execute(sql`CREATE TEMP TABLE customers (id serial PRIMARY KEY, name text)`);
    await database.execute(sql`CREATE TEMP TABLE orders (customer_id int, cents int)`);
    await database.transaction(async (transaction) => {
      const added = await transaction.insert(customers).values([{ name: "ada" }, { name: "bob" }])
        .returning();
      await transaction.insert(orders).values(
        added.flatMap((
          { id },
        ) => [{ customerId: id, cents: id * 1000 }, { customerId: id, cents: 5 }]),
      );
    });
    return await database
      .select({ name: customers.name, cents: sql<number>`sum(${orders.cents})::int` })
      .from(customers)
      .innerJoin(orders, eq(orders.customerId, customers.id))
      .where(gt(orders.cents, 10))
      .groupBy(customers.name)
      .orderBy(customers.name);
  } finally {
    await pool.end();
  }
}
