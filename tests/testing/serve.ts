// A real HTTP server on a free port of the loopback, for the length of one test.

/** Serves `handler` while `use` runs with the server's URL, which has no slash at its end. */
export async function serve(
  handler: (request: Request) => Response | Promise<Response>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  try {
    await use(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}
