// Keeps readings in PostgreSQL and asks for their mean, over one reserved connection.

import postgres from "postgres";

/** The mean of each sensor, and the type of a timestamp as the package reads it. */
export default async function averageReadings({ readings, ...server }: {
  host: string;
  port: number;
  user: string;
  database: string;
  readings: { sensor: string; degrees: number; details: Record<string, string> }[];
}) {
  const sql = postgres({ ...server, max: 1 });
  try {
    return await sql.begin(async (sql) => {
      await sql`CREATE TEMP TABLE readings
        (sensor text, degrees float8, details jsonb, at timestamptz DEFAULT now()) ON COMMIT DROP`;
      await sql`INSERT INTO readings ${sql(readings)}`;
      const means = await sql`
        SELECT sensor, avg(degrees) AS mean, max(details ->> 'room') AS room
        FROM readings GROUP BY sensor ORDER BY sensor`;
      const [first] = await sql`SELECT at FROM readings LIMIT 1`;
      return { means: [...means], isDate: first?.at instanceof Date };
    });
  } finally {
    await sql.end();
  }
}
