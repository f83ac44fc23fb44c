// The tasks of the package corpus: one package each, with just the permissions that it needs.
// A row of docs/packages.md shows the permissions as they stand here; cases.ts says what each task is given.

import type { TaskTable } from "../../src/tasks/task.ts";

/** The one folder that tasks may read or write. run.ts makes it anew. */
const folder = new URL("./scratch", import.meta.url).pathname;

/** What the client of MongoDB reads, to name its surroundings to the server and to find where to log to. */
const mongodbVariables = ["MONGODB_*", "AWS_*", "FUNCTION*", "K_SERVICE", "VERCEL*"];

/** Every task of the corpus, named as its package, in snake case. */
export const tasks: TaskTable = {
  aws_sdk_client_s3: {
    load: () => import("./tasks/aws_sdk_client_s3.ts"),
    permissions: {
      env: ["AWS_*", "HOME", "HOMEDRIVE", "HOMEPATH", "USERPROFILE", "_X_AMZN_TRACE_ID"],
      net: ["127.0.0.1"],
      sys: ["homedir", "osRelease", "uid"],
    },
  },
  axios: { load: () => import("./tasks/axios.ts"), permissions: { net: ["127.0.0.1"] } },
  drizzle_orm: {
    load: () => import("./tasks/drizzle_orm.ts"),
    permissions: { env: ["PG*"], net: ["127.0.0.1"] },
  },
  fs_extra: {
    load: () => import("./tasks/fs_extra.ts"),
    permissions: { read: [folder], write: [folder] },
  },
  ioredis: {
    load: () => import("./tasks/ioredis.ts"),
    permissions: { env: ["DEBUG"], net: ["127.0.0.1"] },
  },
  knex: {
    load: () => import("./tasks/knex.ts"),
    permissions: { env: ["DEBUG", "TERM"], net: ["127.0.0.1"] },
  },
  mongodb: {
    load: () => import("./tasks/mongodb.ts"),
    permissions: { env: mongodbVariables, net: ["127.0.0.1"] },
  },
  mongoose: {
    load: () => import("./tasks/mongoose.ts"),
    permissions: { env: mongodbVariables, net: ["127.0.0.1"] },
  },
  mysql2: { load: () => import("./tasks/mysql2.ts"), permissions: { net: ["127.0.0.1"] } },
  nodemailer: { load: () => import("./tasks/nodemailer.ts"), permissions: { net: ["127.0.0.1"] } },
  openai: { load: () => import("./tasks/openai.ts"), permissions: { net: ["127.0.0.1"] } },
  pg: { load: () => import("./tasks/pg.ts"), permissions: { env: ["PG*"], net: ["127.0.0.1"] } },
  postgres: {
    load: () => import("./tasks/postgres.ts"),
    permissions: { env: ["PG*"], net: ["127.0.0.1"] },
  },
  stripe: { load: () => import("./tasks/stripe.ts"), permissions: { net: ["127.0.0.1"] } },
};
