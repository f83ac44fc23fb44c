// What a task may declare as its permissions, so that Deno will start a worker with them, and which permissions are
// the same. Pure.

const grantable = ["env", "net", "read", "sys", "write"] as const;
const refused = ["run", "ffi", "import"] as const;

/** Whether a task may declare the permission. */
export function isGrantable(name: string): boolean {
  return (grantable as readonly string[]).includes(name);
}

/** Every kind of system information that a supported Deno knows by name. */
const sysKinds = [
  "ca",
  "cpus",
  "getPriority",
  "getegid",
  "gid",
  "homedir",
  "hostname",
  "inspector",
  "loadavg",
  "networkInterfaces",
  "osRelease",
  "osUptime",
  "setPriority",
  "setegid",
  "seteuid",
  "setgid",
  "setuid",
  "statfs",
  "systemMemoryInfo",
  "uid",
  "umask",
  "userInfo",
  "username",
];
const maxPort = 65_535;

/** What is wrong with the permissions of a task and what is allowed, each to stand after "it". */
export function problemsOfPermissions(permissions: unknown): string[] {
  if (permissions === undefined) return [];
  if (typeof permissions !== "object" || permissions === null) {
    return ["has permissions that are no object such as { net: true }"];
  }
  return Object.entries(permissions).flatMap(([name, value]) => problemsOfPermission(name, value));
}

function problemsOfPermission(name: string, value: unknown): string[] {
  if (value === false) return [];
  const isRefused = (refused as readonly string[]).includes(name);
  if (isRefused || !isGrantable(name)) {
    const why = isRefused ? "which would let it leave its sandbox" : "which is not known";
    return [`declares permissions.${name}, ${why}: ${grantable.join(", ")} are allowed`];
  }
  if (value === true) return [];
  if (!Array.isArray(value)) {
    const seen = JSON.stringify(value);
    return [`declares permissions.${name} as ${seen}: true, false or a list of texts is allowed`];
  }
  const { isAllowed, allowed } = items[name as keyof typeof items];
  return value.filter((item) => typeof item !== "string" || !isAllowed(item)).map((item) =>
    `declares permissions.${name} with ${JSON.stringify(item)}: ${allowed} is allowed`
  );
}

const path = { isAllowed: (item: string) => item !== "", allowed: "a path" };

/** What may stand in the list of each permission. */
const items: Readonly<
  Record<typeof grantable[number], { isAllowed(item: string): boolean; allowed: string }>
> = {
  env: { isAllowed: (item) => item !== "", allowed: "the name of a variable" },
  net: { isAllowed: isHost, allowed: "a host such as example.com, example.com:443 or [::1]:80" },
  read: path,
  sys: { isAllowed: (item) => sysKinds.includes(item), allowed: sysKinds.join(", ") },
  write: path,
};

/** A name, an address or a range of addresses, perhaps with a port; not a URL. */
function isHost(item: string): boolean {
  if (/^(?:unix|vsock):./.test(item)) return true;
  const match = /^(?:[^\s:/?#@[\]]+(?:\/\d{1,3})?|\[[\da-fA-F:.]+\])(?::(\d{1,5}))?$/.exec(item);
  return match !== null && Number(match[1] ?? 0) <= maxPort && !/^\*(?::|$)/.test(item);
}

/** The same text for the same permissions: tasks that have the same text may share a worker. */
export function permissionsKey(permissions: Deno.PermissionOptionsObject): string {
  const entries = Object.entries(permissions)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => [name, Array.isArray(value) ? [...value].sort() : value])
    .sort(([one], [other]) => (String(one) < String(other) ? -1 : 1));
  return JSON.stringify(entries);
}
