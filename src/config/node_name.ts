// The name of a node that has not been given one: people tell by it which of several nodes logged a line.

const suffixLength = 5;
const suffixCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";
/** Of the host's part, so that the name is as short as one in the configuration. */
const maxHostLength = 94;

let name: string | undefined;

/** The host name and five random characters, since a host may run several nodes; one name for this process. */
export function defaultNodeName(): string {
  return name ??= createNodeName();
}

function createNodeName(): string {
  const host = readHostname().replace(/[^A-Za-z0-9._-]/g, "-").slice(0, maxHostLength);
  const numbers = crypto.getRandomValues(new Uint32Array(suffixLength));
  const suffix = Array.from(numbers, (n) => suffixCharacters.charAt(n % suffixCharacters.length));
  return `${host || "valet"}-${suffix.join("")}`;
}

function readHostname(): string {
  try {
    return Deno.hostname();
  } catch {
    // Without the permission, or on a system without a name, the random part must do.
    return "";
  }
}
