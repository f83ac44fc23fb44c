// Refuses requests of foreign web pages, which could otherwise use Valet through the browser of a person who only
// looks at them. Called by src/http/app.ts for every request, before its route.
//
//   Host    A page can make its own name point to 127.0.0.1 (DNS rebinding). Where Valet listens on loopback,
//           Host must therefore be a name of the loopback interface or one of server.hosts.
//   Origin  A page can send requests to other hosts, though it cannot read the answers. A request that changes
//           something must therefore come from Valet's own pages or from those of server.cors_origins.
//
// Programs send neither Origin nor Sec-Fetch-Site, and the Host that they were given: they are not affected.

import { ValetError } from "../errors.ts";
import { getLogger } from "../log/log.ts";
import { isLoopbackHost, urlHost } from "../url_host.ts";
import { parseHost } from "./host_header.ts";

/** What the rules depend on. */
export interface OriginRuleOptions {
  /** The address that Valet listens on. */
  readonly host: string;
  /** Further names under which Valet may be called on loopback, without a port. */
  readonly hosts: readonly string[];
  /** The origins whose pages may call the API; `*`: any. */
  readonly corsOrigins: readonly string[];
}

const loopbackNames = ["127.0.0.1", "localhost", "[::1]"];
/** Methods that change nothing. Any other may, also one that no route has. */
const safeMethods = new Set(["GET", "HEAD", "OPTIONS"]);
const usualPorts: ReadonlyMap<string, number> = new Map([["http", 80], ["https", 443]]);
const maxShownLength = 200;

/**
 * Makes the function that throws `forbidden` for a request that is refused. On loopback it also warns of the first
 * request that came through a proxy.
 */
export function createOriginRules(options: OriginRuleOptions): (request: Request) => void {
  const { host, hosts, corsOrigins } = options;
  const isLoopback = isLoopbackHost(host);
  const names = new Set([...loopbackNames, host, ...hosts].map(hostnameOf));
  const allowedOrigins = new Set(corsOrigins);
  let mayWarn = isLoopback;

  function checkHost(request: Request): void {
    const text = hostOf(request);
    const named = parseHost(text);
    if (named !== null && names.has(named.hostname)) return;
    throw new ValetError(
      "forbidden",
      `Cannot answer a request whose Host is ${
        show(text)
      }: server.host is ${host}, so Host must be ` +
        `${loopbackNames.join(", ")} or an entry of server.hosts, with any port`,
    );
  }

  function checkOrigin(request: Request): void {
    const { method, headers } = request;
    if (allowedOrigins.has("*")) return;
    const origin = headers.get("origin");
    if (origin !== null && allowedOrigins.has(origin)) return;
    const site = headers.get("sec-fetch-site");
    const isForeignSite = site !== null && site !== "same-origin" && site !== "none";
    const hostText = hostOf(request);
    if (!isForeignSite && (origin === null || isOwnOrigin(origin, hostText))) return;
    throw new ValetError(
      "forbidden",
      `Cannot accept ${method} from a page of another origin: Origin is ${show(origin)}, Host is ` +
        `${show(hostText)}${isForeignSite ? `, Sec-Fetch-Site is ${show(site)}` : ""}; ` +
        "server.cors_origins allows origins, and a proxy must pass on the Host that the browser sent " +
        "(nginx: proxy_set_header Host $http_host)",
    );
  }

  function warnOfProxy(headers: Headers): void {
    const name = ["Forwarded", "X-Forwarded-For"].find((name) => headers.has(name));
    if (name === undefined) return;
    mayWarn = false;
    getLogger("http").warn(
      "a request came through a proxy: whoever reaches the proxy can run every task, because there is no " +
        "authentication",
      { header: name },
    );
  }

  return (request) => {
    if (mayWarn) warnOfProxy(request.headers);
    if (isLoopback) checkHost(request);
    if (!safeMethods.has(request.method)) checkOrigin(request);
  };
}

/**
 * Whether the host and the port of an Origin are those of Host. Their schemes may differ: behind a proxy that speaks
 * TLS, Valet does not know that of its own pages.
 */
function isOwnOrigin(origin: string, hostText: string): boolean {
  const [, scheme, authority] = /^([a-z][a-z\d+.-]*):\/\/(.*)$/.exec(origin) ?? [];
  const page = parseHost(authority ?? "");
  const own = parseHost(hostText);
  if (page === null || own === null) return false;
  const usualPort = usualPorts.get(scheme!);
  const pagePort = page.port ?? usualPort;
  // The page of an app (capacitor://localhost) has no port.
  return pagePort !== undefined && pagePort === (own.port ?? usualPort) &&
    page.hostname === own.hostname;
}

/** HTTP/2 names the host in the URL; a request of HTTP/1.0 may name none, and then the URL has `localhost`. */
function hostOf({ headers, url }: Request): string {
  return headers.get("host") ?? new URL(url).host;
}

/** A host of the configuration as {@link parseHost} returns it. */
function hostnameOf(host: string): string | undefined {
  return parseHost(urlHost(host))?.hostname;
}

function show(header: string | null): string {
  return header === null ? "absent" : JSON.stringify(header.slice(0, maxShownLength));
}
