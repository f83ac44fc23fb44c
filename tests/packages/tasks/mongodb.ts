// Keeps documents in MongoDB, changes one and reads what is left to do.

import { MongoClient } from "mongodb";

/** What was stored, changed and found. */
export default async function listOpen(
  { url, todos }: { url: string; todos: { title: string }[] },
) {
  const client = new MongoClient(url);
  try {
    const collection = client.db("office").collection(`todos_${crypto.randomUUID()}`);
    const at = new Date("2026-01-02T03:04:05.678Z");
    const { insertedCount } = await collection.insertMany(
      todos.map(({ title }) => ({ title, isDone: false, at })),
    );
    const { modifiedCount } = await collection.updateOne({ title: todos[0]?.title }, {
      $set: { isDone: true },
    });
    const open = await collection.find({ isDone: false }).toArray();
    return {
      insertedCount,
      modifiedCount,
      open: open.map(({ title, at }) => ({ title, at })),
      idCount: new Set(open.map(({ _id }) => _id.toHexString())).size,
    };
  } finally {
    await client.close();
  }
}
