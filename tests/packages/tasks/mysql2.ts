// Books seats in MariaDB with prepared statements in one transaction.

import mysql, { type ResultSetHeader, type RowDataPacket } from "mysql2/promise";

/** Who sits where, and the code of the booking that was refused. */
export default async function bookSeats({ names, ...server }: {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  names: string[];
}) {
  const pool = mysql.createPool({ ...server, timezone: "Z" });
  const connection = await pool.getConnection();
  try {
    await connection.query(
      "CREATE TEMPORARY TABLE seats (seat INT PRIMARY KEY, name VARCHAR(50), extra JSON, at DATETIME(3))",
    );
    await connection.beginTransaction();
    const insert = "INSERT INTO seats VALUES (?, ?, ?, ?)";
    const at = new Date("2026-01-02T03:04:05.678Z");
    let booked = 0;
    for (const [index, name] of names.entries()) {
      const [header] = await connection.execute<ResultSetHeader>(insert, [
        index + 1,
        name,
        '{"meal":true}',
        at,
      ]);
      booked += header.affectedRows;
    }
    const refused = await connection.execute(insert, [1, "eve", "{}", at])
      .then(() => "nothing", (error) => error.code);
    await connection.commit();
    const [rows] = await connection.execute<RowDataPacket[]>(
      "SELECT seat, name, at FROM seats ORDER BY seat",
    );
    return { booked, refused, rows };
  } finally {
    connection.release();
    await pool.end();
  }
}
