// Nodes that share their stores, on servers that a test may harm: what every fault test breaks.

import { brokerQueue, sharedBroker } from "./broker.ts";
import type { Breakable } from "./fault_plan.ts";
import { makeTestFolder } from "./settings.ts";
import { startMariadb } from "../testing/mariadb_server.ts";
import { RunJournal } from "../testing/run_journal.ts";
import { ValetNode } from "../testing/valet_node.ts";

/** What to open. */
export interface ClusterOptions {
  /** Of the folder; no other test has it. */
  readonly name: string;
  readonly nodeCount: number;
  readonly repository: "memory" | "sqlite" | "mysql";
  readonly queue: "memory" | "durable" | "non-durable";
  /** More of `worker_pool` and `server`, of each node. */
  readonly workerPool?: (index: number) => Readonly<Record<string, unknown>>;
  readonly server?: Readonly<Record<string, unknown>>;
  /** More of the environment of each node. */
  readonly env?: (index: number) => Readonly<Record<string, string>>;
  /** The executable, in tests/fixtures. */
  readonly main?: string;
}

/** Nodes that listen. They end with it, and so does their database. */
export interface Cluster extends AsyncDisposable {
  readonly folder: string;
  readonly journal: RunJournal;
  readonly nodes: readonly ValetNode[];
  /** What can be broken, by name: the nodes, `database`, `broker`. */
  readonly targets: Readonly<Record<string, Breakable>>;
}

/** The lease of every node that asks for no other. */
export const leaseMs = 3_000;
/** The size of every pool. */
export const [concurrency, backlog] = [4, 8] as const;

/** Opens it. */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const { name, nodeCount, queue, repository } = options;
  const folder = makeTestFolder(name);
  await using stack = new AsyncDisposableStack();
  const targets: Record<string, Breakable> = {};
  const env: Record<string, string> = {};
  if (repository === "mysql") {
    const database = targets["database"] = stack.use(await startMariadb());
    env["MYSQL_DSN"] = await database.createDatabase();
  }
  if (queue !== "memory") {
    const broker = await sharedBroker();
    env["RABBITMQ_URI"] = broker.uri;
    targets["broker"] = {
      kill: () => broker.kill(),
      start: () => broker.startAgain(),
      freeze: () => broker.freeze(),
      thaw: () => broker.thaw(),
    };
  }
  const config = {
    timeout_unit: "millisecond",
    server: { access_log: false, startup_wait: "60s", ...options.server },
    repository: { option: repository, sqlite: { path: `${folder}/valet.db` } },
    job_queue: queue === "memory"
      ? { option: "memory", memory_job_queue: { capacity: 200 } }
      : brokerQueue({ durable: queue === "durable" }),
  };
  const nodes = Array.from({ length: nodeCount }, (_, index) => {
    const pool = { concurrency, backlog, lease: `${leaseMs}ms`, ...options.workerPool?.(index) };
    return stack.use(
      new ValetNode({
        name: `node${index}`,
        folder,
        config: { ...config, worker_pool: pool },
        env: { ...env, ...options.env?.(index) },
        main: options.main ?? "main.ts",
      }),
    );
  });
  for (const node of nodes) targets[node.name] = node;
  await Promise.all(nodes.map((node) => node.start()));
  const journal = new RunJournal(`${folder}/journal`);
  const opened = stack.move();
  return {
    folder,
    journal,
    nodes,
    targets,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
