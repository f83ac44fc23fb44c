// The tasks of the package corpus: one package each, with just the permissions that it needs.
// A row of docs/packages.md shows the permissions as they stand here; cases.ts says what each task is given.

import type { TaskTable } from "../../src/tasks/task.ts";

/** The one folder that tasks may read or write. run.ts makes it anew. */
const folder = new URL("./scratch", import.meta.url).pathname;
const loopback = ["127.0.0.1"];

/** What the client of MongoDB reads, to name its surroundings to the server and to find where to log to. */
const mongodbVariables = ["MONGODB_*", "AWS_*", "FUNCTION*", "K_SERVICE", "VERCEL*"];

/** Every task of the corpus, named as its package, in snake case. */
export const tasks: TaskTable = {
  ajv: { load: () => import("./tasks/ajv.ts") },
  archiver: {
    load: () => import("./tasks/archiver.ts"),
    permissions: {
      env: ["READABLE_STREAM", "__MINIMATCH_TESTING_PLATFORM__"],
      read: [folder],
      write: [folder],
    },
  },
  aws_sdk_client_s3: {
    load: () => import("./tasks/aws_sdk_client_s3.ts"),
    permissions: {
      env: ["AWS_*", "HOME", "HOMEDRIVE", "HOMEPATH", "USERPROFILE", "_X_AMZN_TRACE_ID"],
      net: loopback,
      sys: ["homedir", "osRelease", "uid"],
    },
  },
  axios: {
    load: () => import("./tasks/axios.ts"),
    permissions: {
      env: [
        "ALL_PROXY",
        "DEBUG",
        "HTTP_PROXY",
        "NO_PROXY",
        "all_proxy",
        "http_proxy",
        "no_proxy",
      ],
      net: loopback,
    },
  },
  cheerio: { load: () => import("./tasks/cheerio.ts") },
  csv_parse: { load: () => import("./tasks/csv_parse.ts") },
  date_fns: { load: () => import("./tasks/date_fns.ts") },
  debug: { load: () => import("./tasks/debug.ts"), permissions: { env: ["DEBUG"] } },
  dotenv: {
    load: () => import("./tasks/dotenv.ts"),
    permissions: { env: ["DOTENV_*"], read: [folder], write: [folder] },
  },
  drizzle_orm: {
    load: () => import("./tasks/drizzle_orm.ts"),
    permissions: { env: ["PG*"], net: loopback },
  },
  exceljs: {
    load: () => import("./tasks/exceljs.ts"),
    permissions: {
      env: [
        "BLUEBIRD_*",
        "GRACEFUL_FS_PLATFORM",
        "NODE_ENV",
        "READABLE_STREAM",
        "TEST_GRACEFUL_FS_GLOBAL_PATCH",
      ],
      read: [folder],
      sys: ["uid"],
      write: [folder],
    },
  },
  express: {
    load: () => import("./tasks/express.ts"),
    permissions: {
      env: ["DEBUG", "NODE_ENV", "NO_DEPRECATION", "TRACE_DEPRECATION"],
      net: loopback,
    },
  },
  fs_extra: {
    load: () => import("./tasks/fs_extra.ts"),
    permissions: {
      env: ["GRACEFUL_FS_PLATFORM", "TEST_GRACEFUL_FS_GLOBAL_PATCH"],
      read: [folder],
      sys: ["uid"],
      write: [folder],
    },
  },
  got: { load: () => import("./tasks/got.ts"), permissions: { net: loopback } },
  handlebars: { load: () => import("./tasks/handlebars.ts") },
  ioredis: {
    load: () => import("./tasks/ioredis.ts"),
    permissions: { env: ["DEBUG"], net: loopback },
  },
  jimp: { load: () => import("./tasks/jimp.ts"), permissions: { env: ["DEBUG"] } },
  jsdom: {
    load: () => import("./tasks/jsdom.ts"),
    permissions: { env: ["UNDICI_*"] },
  },
  jsonwebtoken: { load: () => import("./tasks/jsonwebtoken.ts") },
  knex: {
    load: () => import("./tasks/knex.ts"),
    permissions: { env: ["DEBUG", "TERM"], net: loopback },
  },
  lodash: { load: () => import("./tasks/lodash.ts") },
  luxon: { load: () => import("./tasks/luxon.ts") },
  mongodb: {
    load: () => import("./tasks/mongodb.ts"),
    permissions: { env: mongodbVariables, net: loopback },
  },
  mongoose: {
    load: () => import("./tasks/mongoose.ts"),
    permissions: { env: mongodbVariables, net: loopback },
  },
  mysql2: { load: () => import("./tasks/mysql2.ts"), permissions: { net: loopback } },
  nanoid: { load: () => import("./tasks/nanoid.ts") },
  nodemailer: { load: () => import("./tasks/nodemailer.ts"), permissions: { net: ["localhost"] } },
  openai: { load: () => import("./tasks/openai.ts"), permissions: { net: loopback } },
  p_retry: { load: () => import("./tasks/p_retry.ts") },
  papaparse: { load: () => import("./tasks/papaparse.ts") },
  pdf_lib: { load: () => import("./tasks/pdf_lib.ts") },
  pdfkit: { load: () => import("./tasks/pdfkit.ts") },
  pg: { load: () => import("./tasks/pg.ts"), permissions: { env: ["PG*"], net: loopback } },
  pino: {
    load: () => import("./tasks/pino.ts"),
    permissions: { env: ["NODE_V8_COVERAGE"], sys: ["hostname"] },
  },
  postgres: {
    load: () => import("./tasks/postgres.ts"),
    permissions: { env: ["PG*"], net: loopback },
  },
  sharp: {
    load: () => import("./tasks/sharp.ts"),
    permissions: {
      env: ["MALLOC_ARENA_MAX", "npm_package_config_libvips"],
      sys: ["cpus", "hostname", "networkInterfaces"],
    },
  },
  spawns: { load: () => import("./tasks/spawns.ts") },
  stripe: { load: () => import("./tasks/stripe.ts"), permissions: { net: loopback } },
  undici: {
    load: () => import("./tasks/undici.ts"),
    permissions: { env: ["JEST_WORKER_ID", "UNDICI_*"], net: loopback },
  },
  uuid: { load: () => import("./tasks/uuid.ts") },
  winston: {
    load: () => import("./tasks/winston.ts"),
    permissions: {
      env: ["NODE_ENV", "READABLE_STREAM", "TERM"],
      read: [folder],
      write: [folder],
    },
  },
  worker_threads: { load: () => import("./tasks/worker_threads.ts") },
  zod: { load: () => import("./tasks/zod.ts") },
};
