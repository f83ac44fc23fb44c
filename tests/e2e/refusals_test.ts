// A node on a database with small packets and a broker with small messages: what they refuse for good is one
// job's, whose client is told the sizes, and never an outage.

import { strict as assert } from "node:assert";
import { eventually } from "../testing/eventually.ts";
import { HeldRequests } from "../testing/held_requests.ts";
import { startMariadb } from "../testing/mariadb_server.ts";
import { testNeeding } from "../testing/needs.ts";
import { RabbitmqServer } from "../testing/rabbitmq_server.ts";
import { startValet } from "../testing/start_valet.ts";

const test = testNeeding("mariadb", "rabbitmq");
const maxPacketBytes = 262_144;
const maxMessageBytes = 131_072;

/** Params whose job is larger than the broker takes, or than the database takes. */
const forBroker = { text: "x".repeat(maxMessageBytes) };
const forDatabase = { text: "x".repeat(maxPacketBytes) };

test("a refusal of a store or a broker ends one job, and nothing else", async () => {
  await using broker = await RabbitmqServer.start([`max_message_size = ${maxMessageBytes}`]);
  await using mariadb = await startMariadb({ args: [`--max-allowed-packet=${maxPacketBytes}`] });
  await using valet = await startValet({
    tasks: "fixtures",
    config: {
      repository: { option: "mysql" },
      job_queue: { option: "rabbitmq", rabbitmq: { queue_name: "refusals" } },
      worker_pool: { concurrency: 2, lease: "2s" },
    },
    env: { MYSQL_DSN: await mariadb.createDatabase(), RABBITMQ_URI: broker.uri },
  });
  const { api, process } = valet;
  const post = (task_name: string, task_params: object, fields: object = {}) =>
    api.request("POST", "/jobs", { name: "a job", task_name, task_params, ...fields });
  const neighbours: string[] = [];
  const addNeighbours = async () => {
    neighbours.push(...await Promise.all([1, 2, 3, 4].map(() => api.submit("ok"))));
  };

  // A POST that is refused is 413, again and again, and nothing of it is kept.
  for (let round = 0; round < 3; round++) {
    const [database, message] = await Promise.all([
      post("ok", forDatabase),
      post("ok", forBroker),
      addNeighbours(),
    ]);
    assert.deepEqual([database.status, database.body.reason], [413, "too_large"]);
    assert.match(database.body.message, /it takes 262\d{3} bytes; max_allowed_packet of MySQL/);
    assert.deepEqual([message.status, message.body.reason], [413, "too_large"]);
    assert.match(message.body.message, /its message has 131\d{3} bytes; max_message_size of Rabb/);
  }

  // One that is accepted for later, before the broker sees it, fails at its time.
  const runAt = new Date(Date.now() + 2_000).toISOString();
  const { status, body } = await post("ok", forBroker, { run_at: runAt });
  assert.equal(status, 202);
  const unqueued = await api.waitForJob(body.id);
  assert.equal(unqueued.status, "FAILED");
  assert.match(
    unqueued.failure_reason!,
    /^the job cannot be queued: .* 131\d{3} bytes; .* 131072$/,
  );

  // So does one whose result the database does not take, between others.
  const huge = await api.submit("huge_result", { bytes: maxPacketBytes });
  await addNeighbours();
  const unstored = await api.waitForJob(huge);
  assert.equal(unstored.status, "FAILED");
  assert.match(
    unstored.failure_reason!,
    /^the result cannot be stored: .* it takes 262\d{3} bytes; max_allowed_packet .* 262144$/,
  );
  const end = await process.waitForJobEnd(huge);
  assert.deepEqual([end["outcome"], end["reason"]], ["failed", unstored.failure_reason]);

  for (const id of neighbours) assert.equal((await api.waitForJob(id)).status, "COMPLETED");
  assert.equal((await api.request("GET", "/health/ready")).status, 200);
  const { jobs } = (await api.status()).repository;
  assert.deepEqual(
    [jobs["PENDING"], jobs["SCHEDULED"], jobs["IN_PROGRESS"], jobs["FAILED"]],
    [0, 0, 0, 2],
  );
  const troubles = process.log.filter(({ level, message }) =>
    level === "error" && message !== "cannot store how a job ended"
  );
  assert.deepEqual(troubles, []);
});

testNeeding("rabbitmq")(
  "a broker whose queue is full refuses POSTs, and delays what is due; nothing is lost",
  async () => {
    await using broker = await RabbitmqServer.start([]);
    await using web = new HeldRequests();
    await using valet = await startValet({
      config: {
        job_queue: {
          option: "rabbitmq",
          rabbitmq: {
            queue_name: "full",
            arguments: { "x-max-length": 10, "x-overflow": "reject-publish" },
          },
        },
        worker_pool: { concurrency: 1, backlog: 1 },
      },
      env: { RABBITMQ_URI: broker.uri },
    });
    const { api, process } = valet;
    let count = 1;
    await api.submit("http_request", web.holdParams("first"));
    await web.waitFor("first");
    const refused = await eventually("a refusal", async () => {
      const answer = await api.request("POST", "/jobs", { task_name: "dummytask" });
      if (answer.status !== 202) return answer;
      count++;
      return undefined;
    });
    assert.deepEqual([refused.status, refused.body.reason], [503, "queue_full"]);
    assert.ok(Number(refused.headers.get("retry-after")) >= 1);
    assert.equal((await api.request("GET", "/health/ready")).status, 200);
    // Far more than the queue takes, all of them due at once.
    const run_at = new Date(Date.now() + 3_000).toISOString();
    const due = Array.from({ length: 400 }, () => api.submit("dummytask", {}, { run_at }));
    count += (await Promise.all(due)).length;
    web.release("first");
    await eventually("all jobs to complete", async () => {
      const { jobs } = (await api.status()).repository;
      return jobs["COMPLETED"] === count;
    });
    assert.deepEqual(process.log.filter(({ level }) => level === "error"), []);
  },
);
