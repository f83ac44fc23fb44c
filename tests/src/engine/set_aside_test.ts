import assert from "node:assert/strict";
import { openMemoryQueue } from "../../../drivers/queues/memory.ts";
import { openMemoryRepository } from "../../../drivers/repositories/memory/repository.ts";
import { SetAside } from "../../../src/engine/set_aside.ts";
import { FakeClock } from "../../testing/fake_clock.ts";
import { makeJobs, testNowMs } from "../../testing/make_job.ts";
import { replaceMethods } from "../../testing/replace_methods.ts";

for (const isDurable of [false, true]) {
  Deno.test(`SetAside keeps ${isDurable ? "so many messages" : "every message"} where the repository is ${isDurable ? "" : "not "}durable`, async () => {
    const queue = await openMemoryQueue({ capacity: 20_000 });
    const repository = replaceMethods(await openMemoryRepository(), { isDurable });
    const jobs = makeJobs(10_010);
    await queue.publish(jobs);
    const setAside = new SetAside({ queue, repository, clock: new FakeClock(testNowMs) });
    await setAside.add(await queue.take(10_010, new AbortController().signal));
    const count = isDurable ? 10_000 : 10_010;
    assert.equal(setAside.size, count);
    await setAside.putBack();
    assert.deepEqual([setAside.size, await queue.depth()], [0, count]);
    await queue.close();
    await repository.close();
  });
}
