// The packages that talk to a server of their own kind: databases, mail, cloud services. See cases.ts.

import type { PackageCase } from "./cases.ts";

/** By package. */
export const serverCases: readonly PackageCase[] = [
  {
    packageName: "@aws-sdk/client-s3",
    did: "stores objects, lists them, reads one, misses one",
    server: "s3",
    params: { files: { "reports/a.txt": "caf\u00e9", "reports/b.txt": "b", "other.txt": "c" } },
    expected: {
      keys: ["reports/a.txt 5", "reports/b.txt 1"],
      text: "caf\u00e9",
      contentType: "text/plain",
      isMissing: true,
    },
  },
  {
    packageName: "drizzle-orm",
    did: "inserts in a transaction, joins and sums, over pg",
    server: "postgres",
    expected: [{ name: "ada", cents: 1000 }, { name: "bob", cents: 2000 }],
  },
  {
    packageName: "ioredis",
    did: "ranks in a sorted set by a transaction, publishes and subscribes",
    server: "redis",
    params: { points: { ada: 3, bob: 7, eve: 5 } },
    expected: { ranked: ["bob", "eve", "ada"], heard: "bob", removed: 1 },
    remark:
      "`maxRetriesPerRequest: 1` fails a job soon where Redis is away; why it is away is in the job's log",
  },
  {
    packageName: "knex",
    did: "makes a table, inserts in a transaction and sums, over mysql2",
    server: "mariadb",
    expected: { a: 5, b: 15 },
  },
  {
    packageName: "mongodb",
    did: "inserts, updates and finds documents",
    server: "mongodb",
    params: { todos: [{ title: "sweep" }, { title: "mop" }, { title: "dust" }] },
    expected: {
      insertedCount: 3,
      modifiedCount: 1,
      open: [
        { title: "mop", at: "2026-01-02T03:04:05.678Z" },
        { title: "dust", at: "2026-01-02T03:04:05.678Z" },
      ],
      idCount: 2,
    },
  },
  {
    packageName: "mongoose",
    did: "validates, saves and finds a document",
    server: "mongodb",
    params: { name: "  Ada ", age: 36 },
    expected: {
      name: "Ada",
      isAdult: true,
      seenAt: "1970-01-01T00:00:00.000Z",
      refused: ["age", "name"],
    },
    remark:
      "await `asPromise()` of the connection: a query alone fails after 10 s and does not say why",
  },
  {
    packageName: "mysql2",
    did: "inserts with prepared statements in a transaction, meets a doubled key",
    server: "mariadb",
    params: { names: ["ada", "bob"] },
    expected: {
      booked: 2,
      refused: "ER_DUP_ENTRY",
      rows: [
        { seat: 1, name: "ada", at: "2026-01-02T03:04:05.678Z" },
        { seat: 2, name: "bob", at: "2026-01-02T03:04:05.678Z" },
      ],
    },
  },
  {
    packageName: "nodemailer",
    did: "logs in and sends a mail with an attachment",
    server: "smtp",
    params: { to: "ada@example.com" },
    expected: {
      accepted: ["ada@example.com"],
      response: "250 stored: Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?=, 1 attachment",
    },
    remark: "`net` by name needs a `getSocket`: see [servers](#servers)",
  },
  {
    packageName: "openai",
    did: "asks for an answer, for a streamed one, and a model that is not there",
    server: "openai",
    params: { question: "is it done" },
    expected: { answer: "IS IT DONE", parts: ["IS ", "IT ", "DONE"], refused: "NotFoundError" },
  },
  {
    packageName: "pg",
    did: "moves money in a transaction, rolls one back, over a pool",
    server: "postgres",
    params: { amount: 30 },
    expected: {
      transfers: ["done", "covered"],
      rows: [{ owner: "ada", balance: 70 }, { owner: "bob", balance: 30 }],
    },
  },
  {
    packageName: "postgres",
    did: "inserts a list with JSON in a transaction, groups it",
    server: "postgres",
    params: {
      readings: [
        { sensor: "s1", degrees: 20, details: { room: "hall" } },
        { sensor: "s1", degrees: 21, details: { room: "hall" } },
        { sensor: "s2", degrees: -3.5, details: { room: "yard" } },
      ],
    },
    expected: {
      means: [
        { sensor: "s1", mean: 20.5, room: "hall" },
        { sensor: "s2", mean: -3.5, room: "yard" },
      ],
      isDate: true,
    },
  },
  {
    packageName: "stripe",
    did: "takes a payment, meets a declined card, reads pages, verifies a webhook",
    server: "stripe",
    params: { amount: 1999 },
    expected: {
      status: "succeeded",
      order: "7",
      customers: ["ada@example.com", "bob@example.com", "eve@example.com"],
      refused: "StripeCardError",
      event: "payment_intent.succeeded",
    },
  },
];
