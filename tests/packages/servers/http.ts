// A web server for the HTTP clients of the corpus: it echoes, redirects, fails twice and then answers.

import type { LocalServer } from "./mod.ts";

/** Starts it. Its params: `url`, without a slash at the end. */
export function startHttpServer(): LocalServer {
  const failures = new Map<string, number>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      switch (pathname) {
        case "/hello":
          return Response.json({ hello: searchParams.get("name") ?? "world" });
        case "/echo":
          return Response.json({
            method: request.method,
            body: await request.json(),
            token: request.headers.get("authorization"),
          });
        case "/redirect":
          return new Response(null, { status: 302, headers: { location: "/hello" } });
        // Twice 503 for each key, then an answer.
        case "/flaky": {
          const key = searchParams.get("key") ?? "";
          const count = (failures.get(key) ?? 0) + 1;
          failures.set(key, count % 3);
          return count < 3
            ? new Response("busy", { status: 503 })
            : Response.json({ answeredAt: count });
        }
        default:
          return new Response("no such page", { status: 404 });
      }
    },
  );
  return {
    params: { url: `http://127.0.0.1:${server.addr.port}` },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
