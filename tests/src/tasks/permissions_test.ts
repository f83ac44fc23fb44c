import assert from "node:assert/strict";
import { problemsOfPermissions } from "../../../src/tasks/permissions.ts";

const refused: [permissions: unknown, message: RegExp][] = [
  ["all", /^has permissions that are no object such as { net: true }$/],
  [null, /^has permissions that are no object/],
  [{ run: true }, /permissions.run, which would let it leave its sandbox: env, net, /],
  [{ ffi: ["x"] }, /permissions.ffi, which would let it leave/],
  [{ import: true }, /permissions.import, which would let it leave/],
  [{ nets: true }, /permissions.nets, which is not known: env, net, read, sys, write are allowed/],
  [{ net: "example.com" }, /permissions.net as "example.com": true, false or a list of texts/],
  [{ net: [1] }, /permissions.net with 1: a host such as example.com, /],
  [{ net: [""] }, /permissions.net with "": a host such as/],
  [{ net: ["*"] }, /permissions.net with "\*": a host such as/],
  [{ net: ["::1"] }, /permissions.net with "::1": .*\[::1\]:80 is allowed/],
  [{ net: ["a.example:99999"] }, /permissions.net with "a.example:99999": a host/],
  [{ net: ["https://example.com"] }, /permissions.net with "https:\/\/example.com": a host/],
  [{ net: ["http://exa mple:99999"] }, /permissions.net with "http:\/\/exa mple:99999": a host/],
  [{ env: [""] }, /permissions.env with "": the name of a variable is allowed/],
  [{ read: [""] }, /permissions.read with "": a path is allowed/],
  [{ write: ["/data", ""] }, /permissions.write with "": a path is allowed/],
  [{ sys: ["bogus"] }, /permissions.sys with "bogus": ca, cpus, .*hostname, /],
];

const allowed: Deno.PermissionOptionsObject[] = [
  { net: true, read: false, env: [] },
  { net: ["example.com", "example.com:443", "*.example.com", "127.0.0.1:80", "10.0.0.0/8"] },
  { net: ["[::1]", "[::1]:80", "vsock:1:2"] },
  { env: ["HOME", "AWS_*"], read: ["/data"], write: ["."] },
  { sys: ["hostname", "osRelease", "userInfo"] },
];

Deno.test("problemsOfPermissions refuses what would let a task out or start no worker", () => {
  for (const [permissions, message] of refused) {
    const problems = problemsOfPermissions(permissions);
    assert.equal(problems.length, 1, String(message));
    assert.match(problems[0]!, message);
  }
});

Deno.test("problemsOfPermissions tells of every wrong item", () => {
  assert.equal(problemsOfPermissions({ read: ["", "/a", ""], run: true }).length, 3);
});

Deno.test("problemsOfPermissions allows what Deno starts a worker with", () => {
  assert.deepEqual(problemsOfPermissions(undefined), []);
  for (const permissions of allowed) {
    assert.deepEqual(problemsOfPermissions(permissions), []);
    new Worker("data:application/javascript,", { type: "module", deno: { permissions } })
      .terminate();
  }
});
