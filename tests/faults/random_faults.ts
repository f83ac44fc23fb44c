// Nodes, brokers and databases are killed and frozen at random moments, under load.

import { runScenario, type Scenario } from "./scenario.ts";

const scenarios: readonly Scenario[] = [
  {
    name: "three_nodes_mysql_rabbitmq",
    nodeCount: 3,
    repository: "mysql",
    queue: "non-durable",
    share: 1,
    processNode: 1,
    maxNodeDownMs: 1_500,
  },
  {
    name: "one_node_sqlite_memory_queue",
    nodeCount: 1,
    repository: "sqlite",
    queue: "memory",
    share: 0.5,
    maxNodeDownMs: 0,
  },
  {
    name: "two_nodes_mysql_memory_queues",
    nodeCount: 2,
    repository: "mysql",
    queue: "memory",
    share: 0.5,
    maxNodeDownMs: 1_500,
  },
  {
    name: "one_node_sqlite_rabbitmq",
    nodeCount: 1,
    repository: "sqlite",
    queue: "durable",
    share: 0.5,
    processNode: 0,
    maxNodeDownMs: 500,
  },
  {
    name: "one_node_memory_rabbitmq",
    nodeCount: 1,
    repository: "memory",
    queue: "durable",
    share: 0.25,
    maxNodeDownMs: 500,
  },
];

for (const scenario of scenarios) {
  const { name } = scenario;
  Deno.test(`faults: ${name} loses no job and finishes all`, () => runScenario(scenario));
}
