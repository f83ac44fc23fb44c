// A stub of a server that speaks a protocol of its own over TCP. Called by the stubs beside this file.

/** A stub that listens on a free port of loopback. `await using` ends it and its connections. */
export interface TcpStub extends AsyncDisposable {
  readonly port: number;
}

/** Starts it; `serve` handles one connection, until its client closes it. */
export function startTcpStub(
  hostname: string,
  serve: (connection: Deno.TcpConn) => Promise<void>,
): TcpStub {
  const listener = Deno.listen({ hostname, port: 0 });
  const open = new Map<Deno.TcpConn, Promise<void>>();
  const accept = async () => {
    for await (const connection of listener) {
      const end = serve(connection)
        // A client that goes in the middle of a reply, or the end of the stub.
        .catch(() => {})
        .finally(() => {
          if (open.delete(connection)) connection.close();
        });
      open.set(connection, end);
    }
  };
  const accepting = accept();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await accepting;
      const ends = [...open.values()];
      for (const connection of open.keys()) connection.close();
      open.clear();
      await Promise.all(ends);
    },
  };
}
