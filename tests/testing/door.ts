// A port that leads to a server on another one, until it is shut: an outage of one way to it.

import { freePort } from "./free_port.ts";

/** A way to the server that can be shut. */
export class Door {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  readonly #connections: Deno.Conn[] = [];
  readonly #ends: Promise<unknown>[] = [];

  constructor(serverPort: number, port: number = freePort()) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    this.port = this.#listener.addr.port;
    this.#ends.push(this.#letThrough(serverPort));
  }

  /** Cuts off whoever came through; from now on connections are refused. */
  async shut(): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) connection.close();
    await Promise.all(this.#ends);
  }

  async #letThrough(serverPort: number): Promise<void> {
    for await (const client of this.#listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: serverPort });
      this.#connections.push(client, server);
      this.#ends.push(
        client.readable.pipeTo(server.writable).catch(() => {}),
        server.readable.pipeTo(client.writable).catch(() => {}),
      );
    }
  }
}
