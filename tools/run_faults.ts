// Runs the fault tests: `deno task test:faults`, or `--short` for a run of a few minutes. Further arguments go
// to `deno test`. Whatever happens, no process is left behind; after a failure the logs of the nodes stay.

import { fileURLToPath } from "node:url";
import { setUp } from "./test_setup.ts";

const missing = await setUp(["mariadb", "rabbitmq"]);
if (missing !== null) {
  await Deno.stderr.write(new TextEncoder().encode(`${missing}\n`));
  Deno.exit(1);
}

const [short, long] = [{ jobs: 1_500, kills: 6 }, { jobs: 20_000, kills: 20 }];
const size = Deno.args.includes("--short") ? short : long;
const seed = Deno.env.get("VALET_FAULTS_SEED") || String(Math.floor(Math.random() * 1_000_000));
const folder = await Deno.makeTempDir({ prefix: "valet_faults_" });
const temporary = `${folder}/tmp`;
await Deno.mkdir(temporary);

// In a session of its own: so that a Ctrl-C comes to this process alone, and all it started can be found.
const child = new Deno.Command("setsid", {
  args: [
    Deno.execPath(),
    "test",
    "--frozen",
    "--no-check",
    "--no-prompt",
    "--allow-all",
    ...Deno.args.filter((argument) => argument !== "--short"),
    "tests/faults/main.ts",
  ],
  cwd: fileURLToPath(new URL("../", import.meta.url)),
  env: {
    VALET_FAULTS_JOBS: String(size.jobs),
    VALET_FAULTS_KILLS: String(size.kills),
    // What the user set has the last word.
    ...Deno.env.toObject(),
    VALET_FAULTS_SEED: seed,
    VALET_FAULTS_FOLDER: folder,
    TMPDIR: temporary,
    DENO_TEST_SANITIZE_OPS: "1",
    DENO_TEST_SANITIZE_RESOURCES: "1",
  },
  stdin: "null",
}).spawn();

let isInterrupted = false;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.addSignalListener(signal, () => {
    isInterrupted = true;
    child.kill("SIGKILL");
  });
}

const { success } = await child.status;
await endSession(child.pid);
const isKept = !success && !isInterrupted;
await Deno.remove(isKept ? temporary : folder, { recursive: true });
if (isKept) {
  const text = `VALET_FAULTS_SEED was ${seed}; logs and journals of each test are in ${folder}\n`;
  await Deno.stdout.write(new TextEncoder().encode(text));
}
Deno.exit(success ? 0 : 1);

/** Kills every process of the session, frozen ones, too. */
async function endSession(sessionId: number): Promise<void> {
  for (let pids; (pids = membersOf(sessionId)).length > 0;) {
    for (const pid of pids) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch {
        // It has ended since /proc was read.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function membersOf(sessionId: number): number[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(
    ({ name }) => {
      try {
        const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
        // The fields after the name of the program: state, parent, process group, session.
        const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return state !== "Z" && Number(session) === sessionId ? [Number(name)] : [];
      } catch {
        return []; // It has ended since /proc was listed.
      }
    },
  );
}
