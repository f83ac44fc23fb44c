import assert from "node:assert/strict";
import { requireFreeDescriptors } from "../../../../src/executor/host/free_descriptors.ts";
import { runProgram } from "../../../testing/run_program.ts";

const root = new URL("../../../../", import.meta.url);

/** Takes all file descriptors but 10, tries to start a worker, frees them and tries again. */
const program = `
  import { openWorkerThread } from "${new URL("src/executor/host/worker_thread.ts", root)}";
  const workerUrl = new URL("${new URL("tests/fixtures/two_words_entry.ts", root)}");
  const options = {
    ...{ permissions: {}, taskNames: [], jobsPerWorker: 1, maxResultBytes: 1000, taskSettings: {} },
  };
  const events = {
    onBytes() {
      console.log("a worker has started");
      Deno.exit();
    },
    onLost(reason) {
      console.log(reason);
      Deno.exit();
    },
  };
  const files = [];
  try {
    for (;;) files.push(Deno.openSync("/dev/null"));
  } catch {
    for (const file of files.splice(0, 10)) file.close();
  }
  try {
    openWorkerThread(workerUrl, options, events);
  } catch (error) {
    console.log(error.message);
  }
  for (const file of files) file.close();
  openWorkerThread(workerUrl, options, events).sendRuns("{}", 1);
`;

Deno.test("openWorkerThread throws where too few file descriptors are free, and starts a worker once there are some", async () => {
  const { stdout, stderr } = await runProgram(program, ["--allow-all"], "ulimit -n 128");
  assert.equal(stderr, "");
  assert.equal(
    stdout,
    "10 file descriptors are free; 32 are needed: raise the limit (ulimit -n), or end the task that leaves files or " +
      "connections open\na worker has started\n",
  );
});

Deno.test({
  name: "requireFreeDescriptors says nothing where the process may not look",
  permissions: { read: false },
  fn: requireFreeDescriptors,
});
