// Searches over many large descriptions, and pages of large jobs: other requests are answered meanwhile, and no
// more of them run than a node can bear.

import { strict as assert } from "node:assert";
import { type RunningValet, startValet } from "../testing/start_valet.ts";
import { StoreServers, testOn } from "../testing/store_servers.ts";

const servers = new StoreServers();
Deno.test.beforeAll(() => servers.start());
Deno.test.afterAll(() => servers[Symbol.asyncDispose]());

/** None of them runs. */
const later = { task_name: "dummytask", run_at: "9999-01-01T00:00:00Z" };

async function submit({ api }: RunningValet, count: number, body: object): Promise<void> {
  let leftCount = count;
  const submitSome = async () => {
    while (leftCount-- > 0) assert.equal((await api.request("POST", "/jobs", body)).status, 202);
  };
  await Promise.all(Array.from({ length: 16 }, submitSome));
}

for (const repository of ["memory", "sqlite", "mysql"] as const) {
  const test = testOn({ repository, queue: "memory" });
  test(`ten searches at once hold up no health check, and too many are 503, with ${repository}`, async () => {
    const stores = await servers.create({ repository, queue: "memory" });
    await using valet = await startValet(stores);
    const { api } = valet;
    await submit(valet, 1, { ...later, name: "the needle" });
    const description = "lorem ipsum ".repeat(5_400);
    await submit(valet, repository === "mysql" ? 500 : 2_000, { ...later, description });

    let areOver = false;
    const search = (text: string) => api.request("GET", `/jobs?q=${text}`);
    const searches = Promise.all(Array.from({ length: 10 }, () => search("zzz")))
      .finally(() => areOver = true);
    let healthCount = 0;
    for (; !areOver; healthCount++) {
      assert.equal((await api.request("GET", "/health/live")).status, 200);
    }
    assert.ok(healthCount >= 3, `${healthCount} health checks were answered`);
    for (const { status, body } of await searches) {
      assert.equal(status, 200);
      assert.deepEqual(body.jobs, []);
      assert.equal(body.more, body.next_cursor === undefined ? undefined : true);
    }

    const many = await Promise.all(Array.from({ length: 40 }, () => search("zzz")));
    const refused = many.filter(({ status }) => status !== 200);
    assert.ok(refused.length > 0 && refused.length <= 28, `${refused.length} were refused`);
    for (const { status, headers, body } of refused) {
      assert.deepEqual([status, body.reason], [503, "overloaded"]);
      assert.equal(headers.get("retry-after"), "1");
    }

    let cursor = "";
    let found: string[];
    do {
      const { body } = await api.request("GET", `/jobs?q=NEEDLE${cursor}`);
      found = body.jobs.map((job: { name: string }) => job.name);
      cursor = `&cursor=${body.next_cursor}`;
      if (found.length === 0) assert.equal(body.more, true, "an empty page hid the match");
    } while (found.length === 0);
    assert.deepEqual(found, ["the needle"]);
  });

  test(`a page of jobs of 1 MiB ends early, and the next ones have the others, with ${repository}`, async () => {
    const stores = await servers.create({ repository, queue: "memory" });
    await using valet = await startValet({
      ...stores,
      config: { ...stores.config, server: { max_body_bytes: 2 ** 21 } },
    });
    await submit(valet, 30, { ...later, task_params: { text: "\u00E9".repeat(2 ** 19) } });
    const ids = new Set<string>();
    for (let cursor = "", pageCount = 1;; pageCount++) {
      const { body } = await valet.api.request("GET", `/jobs?limit=1000${cursor}`);
      for (const { id } of body.jobs) ids.add(id);
      assert.ok(body.jobs.length > 0 && body.jobs.length < 10, `${body.jobs.length} jobs`);
      if (body.next_cursor === undefined) break;
      cursor = `&cursor=${body.next_cursor}`;
    }
    assert.equal(ids.size, 30);
  });
}
