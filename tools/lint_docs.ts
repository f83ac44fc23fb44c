// Checks the doc comments: `deno doc --lint` on every module of the program, but for those of users. Run by `deno task check`.
// Two of its complaints are let be: a field whose name says it all needs no comment, and an exported
// function may speak of types of other packages, which nobody here can export.

const folders = ["src", "drivers", "tasks/shipped"];
const rootUrl = new URL("../", import.meta.url);

async function listModules(folder: URL): Promise<string[]> {
  const modules: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) modules.push(...await listModules(new URL(`${name}/`, folder)));
    else if (name.endsWith(".ts")) modules.push(new URL(name, folder).href);
  }
  return modules;
}

function isLetBe(complaint: string): boolean {
  // Fields are indented: whatever begins a line is an export.
  const isOfField = !/-->.*:\d+:1$/m.test(complaint);
  return complaint.startsWith("error[private-type-ref]") ||
    (complaint.startsWith("error[missing-jsdoc]") && isOfField) ||
    /^error: Found \d+ documentation lint error/.test(complaint);
}

const lists = await Promise.all(
  folders.map((folder) => listModules(new URL(`${folder}/`, rootUrl))),
);
const { stderr } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--quiet", "--lint", new URL("main.ts", rootUrl).href, ...lists.flat()],
  env: { NO_COLOR: "1" },
  stdout: "null",
}).output();
const complaints = new TextDecoder().decode(stderr).split(/^(?=error)/m)
  .filter((part) => part.startsWith("error") && !isLetBe(part));
await Deno.stderr.write(new TextEncoder().encode(complaints.join("")));
Deno.exit(complaints.length === 0 ? 0 : 1);
