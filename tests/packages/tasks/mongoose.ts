// Checks documents by a schema, stores them in MongoDB and reads one back.

import mongoose from "mongoose";

const schema = new mongoose.Schema({
  name: { type: String, required: true, trim: true },
  age: { type: Number, min: 0 },
  seenAt: { type: Date, default: () => new Date(0) },
});
schema.virtual("isAdult").get(function () {
  return (this.age ?? 0) >= 18;
});

/** The document as it was read, and the fields that the schema refused. */
export default async function keepPerson(
  { url, name, age }: { url: string; name: string; age: number },
) {
  // Waits for the server: the failure of a query that waits for it would not say why it is away.
  const connection = await mongoose.createConnection(url).asPromise();
  try {
    const Person = connection.model("Person", schema, `people_${crypto.randomUUID()}`);
    await new Person({ name, age }).save();
    const found = await Person.findOne({ age }).orFail();
    const refused = await new Person({ age: -1 }).validate().then(
      () => ({}),
      ({ errors }) => errors,
    );
    return {
      name: found.name,
      isAdult: found.get("isAdult"),
      seenAt: found.seenAt,
      refused: Object.keys(refused).sort(),
    };
  } finally {
    await connection.close();
  }
}
