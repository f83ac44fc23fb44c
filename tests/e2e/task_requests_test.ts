// What http_request and csv_report may reach from a real server, in both isolations.

import { strict as assert } from "node:assert";
import { makeAuthority, makeCertificate } from "../testing/certificates.ts";
import { startValet } from "../testing/start_valet.ts";

for (const isolation of ["worker", "process"]) {
  Deno.test(`private addresses need allow_private, of each task alone, isolation ${isolation}`, async () => {
    let requests = 0;
    await using web = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
      requests++;
      return new Response("a,b\n1,2\n");
    });
    const url = `http://localhost:${web.addr.port}/a`;
    await using valet = await startValet({
      config: { worker_pool: { isolation }, tasks: { csv_report: { allow_private: true } } },
    });
    const { api } = valet;
    // What a job says of its settings counts nowhere.
    const refused = await api.run("http_request", { url: `${url}?token=hunter2` });
    assert.equal(refused.status, "FAILED");
    assert.equal(
      refused.failure_reason,
      `Cannot GET ${url}: localhost has a private address (loopback), which needs ` +
        "tasks.http_request.allow_private: true in the configuration",
    );
    assert.equal(requests, 0);
    const forged = await api.request("POST", "/jobs", {
      name: "forged",
      task_name: "http_request",
      task_params: { url, allow_private: true, settings: { allow_private: true } },
    });
    assert.equal(forged.status, 400);

    const allowed = await api.run("csv_report", { url });
    assert.equal(allowed.status, "COMPLETED", allowed.failure_reason ?? "");
    assert.equal(requests, 1);
  });
}

Deno.test("DENO_CERT names the authority whose servers tasks trust", async () => {
  const folder = await Deno.makeTempDir({ prefix: "valet_e2e_" });
  try {
    await makeAuthority(folder, "ours");
    await makeCertificate(folder, "ours");
    await using web = Deno.serve({
      hostname: "127.0.0.1",
      port: 0,
      cert: await Deno.readTextFile(`${folder}/server.pem`),
      key: await Deno.readTextFile(`${folder}/server.key`),
      onListen() {},
    }, () => new Response("a,b\n1,2\n"));
    const { port } = web.addr;
    {
      await using valet = await startValet({ env: { DENO_CERT: `${folder}/ours.pem` } });
      for (const host of ["localhost", "127.0.0.1"]) {
        for (const task of ["http_request", "csv_report"]) {
          const job = await valet.api.run(task, { url: `https://${host}:${port}/` });
          assert.equal(job.status, "COMPLETED", job.failure_reason ?? "");
        }
      }
      const other = await valet.api.run("http_request", {
        url: `https://[::ffff:127.0.0.1]:${port}/`,
      });
      assert.match(other.failure_reason ?? "", /the certificate of the server is not trusted/);
    }
    await using valet = await startValet();
    const job = await valet.api.run("http_request", { url: `https://localhost:${port}/` });
    assert.match(
      job.failure_reason ?? "",
      /^Cannot GET https:\/\/localhost:\d+\/: the certificate of the server is not trusted \(/,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
