// MySQL over TLS: with MYSQL_CA_PEM_FILE a node talks to the server of that authority, and to no other.

import { strict as assert } from "node:assert";
import { makeAuthority, makeCertificate } from "../testing/certificates.ts";
import { startMariadb } from "../testing/mariadb_server.ts";
import { testNeeding } from "../testing/needs.ts";
import { launchValet, startValet } from "../testing/start_valet.ts";

const test = testNeeding("mariadb");
const config = { repository: { option: "mysql" } };

test("MYSQL_CA_PEM_FILE makes a node talk TLS to the server of that authority only", async () => {
  const folder = await Deno.makeTempDir({ prefix: "valet_e2e_" });
  try {
    for (const name of ["right", "wrong"]) await makeAuthority(folder, name);
    await makeCertificate(folder, "right");
    await using server = await startMariadb({
      args: [
        `--ssl-ca=${folder}/right.pem`,
        `--ssl-cert=${folder}/server.pem`,
        `--ssl-key=${folder}/server.key`,
      ],
    });
    const dsn = (await server.createDatabase()).replace(/^.*@/, "encrypted:secret@");
    await server.query("CREATE USER encrypted IDENTIFIED BY 'secret' REQUIRE SSL");
    await server.query("GRANT ALL ON *.* TO encrypted");

    await using valet = await startValet({
      config,
      env: { MYSQL_DSN: dsn, MYSQL_CA_PEM_FILE: `${folder}/right.pem` },
    });
    assert.equal((await valet.api.run("dummytask")).status, "COMPLETED");

    for (
      const [env, reason] of [
        [
          { MYSQL_CA_PEM_FILE: `${folder}/wrong.pem` },
          /must be .* signed by the authority in MYSQL_CA_PEM_FILE/,
        ],
        [{ MYSQL_CA_PEM_FILE: `${folder}/nowhere.pem` }, /nowhere\.pem/],
        [{}, /Access denied/],
      ] as const
    ) {
      await using launched = await launchValet({ config, env: { MYSQL_DSN: dsn, ...env } });
      const { process } = launched;
      assert.equal((await process.waitForEnd()).code, 2, process.lines.join("\n"));
      assert.equal(process.stderr, "");
      assert.equal(process.log.length, 1, process.lines.join("\n"));
      assert.match(process.log[0]!.message, reason);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
