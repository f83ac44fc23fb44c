// A TCP server that answers every connection with fixed bytes: for answers that no HTTP server gives.

/** Answers each request with the pieces and ends the connection, while `use` runs with the URL. */
export async function serveBytes(
  answer: readonly (string | Uint8Array)[],
  use: (url: string) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const encoder = new TextEncoder();
  const served = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(65_536));
      for (const piece of answer) {
        const bytes = typeof piece === "string" ? encoder.encode(piece) : piece;
        // The client may have gone: that is what some tests are about.
        for (let sent = 0; sent < bytes.length;) {
          const count = await connection.write(bytes.subarray(sent)).catch(() => bytes.length);
          sent += count;
        }
      }
      connection.close();
    }
  })();
  try {
    await use(`http://127.0.0.1:${port}`);
  } finally {
    listener.close();
    await served;
  }
}
