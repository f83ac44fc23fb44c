// The servers that tasks of the corpus talk to, by name. Each listens on a free port of loopback.
// A new server is a file here and a line in the table.

import type { NeedName } from "../../testing/needs.ts";

/** A server that listens. `await using` ends it. */
export interface LocalServer extends AsyncDisposable {
  /** What tasks need to know of it, such as `url`: added to the params of their jobs. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** How to start a server. */
export interface LocalServerEntry {
  /** What it needs of the machine beside Deno. */
  readonly needs?: readonly NeedName[];
  readonly start: () => Promise<LocalServer>;
}

/** Every server. */
export const servers = {
  http: { start: async () => (await import("./http.ts")).startHttpServer() },
  mariadb: {
    needs: ["mariadb"],
    start: async () => await (await import("./mariadb.ts")).startMariadbServer(),
  },
  mongodb: { start: async () => (await import("./mongodb.ts")).startMongodbServer() },
  openai: { start: async () => (await import("./openai.ts")).startOpenaiServer() },
  postgres: {
    needs: ["postgresql"],
    start: async () => await (await import("./postgres.ts")).startPostgres(),
  },
  redis: {
    needs: ["redis"],
    start: async () => await (await import("./redis.ts")).startRedis(),
  },
  s3: { start: async () => (await import("./s3.ts")).startS3Server() },
  smtp: { start: async () => (await import("./smtp.ts")).startSmtpServer() },
  stripe: { start: async () => (await import("./stripe.ts")).startStripeServer() },
} as const satisfies Readonly<Record<string, LocalServerEntry>>;

/** One of {@link servers}. */
export type ServerName = keyof typeof servers;
