// Keeps a stock in MariaDB, with the queries and the table written in the terms of knex.

import createKnex from "knex";

/** How much is on each shelf. */
export default async function countStock(connection: {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
}) {
  const knex = createKnex({ client: "mysql2", connection, pool: { min: 0, max: 1 } });
  const table = `stock_${crypto.randomUUID()}`;
  try {
    await knex.schema.createTable(table, (columns) => {
      columns.increments("id");
      columns.string("shelf").notNullable();
      columns.integer("count").notNullable();
    });
    await knex.transaction(async (transaction) => {
      await transaction(table).insert([
        { shelf: "a", count: 2 },
        { shelf: "b", count: 5 },
        { shelf: "a", count: 3 },
      ]);
      await transaction(table).where({ shelf: "b" }).increment("count", 10);
    });
    const rows: { shelf: string; count: string }[] = await knex(table)
      .select("shelf", knex.raw("sum(count) AS count"))
      .groupBy("shelf");
    return Object.fromEntries(rows.map(({ shelf, count }) => [shelf, Number(count)]));
  } finally {
    await knex.schema.dropTableIfExists(table);
    await knex.destroy();
  }
}
