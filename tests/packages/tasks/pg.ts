// Moves money between two accounts in a transaction of PostgreSQL, and rolls back one that overdraws.

import pg from "pg";

/** The balances at the end, and why the second transfer failed. */
export default async function transfer({ amount, ...server }: {
  host: string;
  port: number;
  user: string;
  database: string;
  amount: number;
}) {
  const pool = new pg.Pool({ ...server, max: 1 });
  const client = await pool.connect();
  const move = async (count: number) => {
    const change = "UPDATE accounts SET balance = balance + $1 WHERE owner = $2";
    await client.query("BEGIN");
    try {
      await client.query(change, [-count, "ada"]);
      await client.query(change, [count, "bob"]);
      await client.query("COMMIT");
      return "done";
    } catch (error) {
      await client.query("ROLLBACK");
      return (error as pg.DatabaseError).constraint;
    }
  };
  try {
    await client.query(
      `CREATE TEMP TABLE accounts
        (owner text PRIMARY KEY, balance int CONSTRAINT covered CHECK (balance >= 0))`,
    );
    await client.query("INSERT INTO accounts SELECT * FROM unnest($1::text[], $2::int[])", [
      ["ada", "bob"],
      [100, 0],
    ]);
    const transfers = [await move(amount), await move(1000)];
    const { rows } = await client.query("SELECT * FROM accounts ORDER BY owner");
    return { transfers, rows };
  } finally {
    client.release();
    await pool.end();
  }
}
