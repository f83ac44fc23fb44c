// A port that leads to a server on another one, until it is shut: an outage of one way to it.

import { freePort } from "./free_port.ts";

/** A way to the server that can be shut. */
export class Door {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #shutting = new AbortController();
  /** Whoever came through, until they are cut off or leave. */
  readonly #visits: Promise<unknown>[] = [];
  readonly #open: Promise<void>;

  constructor(serverPort: number, port: number = freePort()) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.port = this.#listener.addr.port;
    this.#open = this.#letThrough(serverPort);
  }

  /** Cuts off whoever came through; from now on connections are refused. */
  async shut(): Promise<void> {
    this.#listener.close();
    this.#shutting.abort();
    await this.#open;
    await Promise.all(this.#visits);
  }

  async #letThrough(serverPort: number): Promise<void> {
    for await (const client of this.#listener) this.#visits.push(this.#visit(client, serverPort));
  }

  async #visit(client: Deno.TcpConn, serverPort: number): Promise<void> {
    const server = await Deno.connect({ hostname: "127.0.0.1", port: serverPort });
    // The end of either direction closes the connections, and so does the signal.
    const { signal } = this.#shutting;
    await Promise.allSettled([
      client.readable.pipeTo(server.writable, { signal }),
      server.readable.pipeTo(client.writable, { signal }),
    ]);
  }
}
