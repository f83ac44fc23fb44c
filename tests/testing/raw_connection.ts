// A connection on which a test speaks HTTP by itself, byte for byte.

import { within } from "./within.ts";

const encoder = new TextEncoder();

/** One connection to a server of this machine. */
export class RawConnection implements Disposable {
  /** What has come so far; one character a byte. */
  received = "";
  readonly #connection: Deno.TcpConn;

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects to a port of loopback. */
  static async open(port: number): Promise<RawConnection> {
    return new RawConnection(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  /** Sends a text, or bytes as they are. */
  async send(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? encoder.encode(data) : data;
    for (let sent = 0; sent < bytes.length;) {
      sent += await this.#connection.write(bytes.subarray(sent));
    }
  }

  /** Ends the sending side, as a client that has nothing more to say. */
  async endSending(): Promise<void> {
    await this.#connection.closeWrite();
  }

  /** Reads until what has come matches; fails where the server closes before. */
  async receive(pattern: RegExp, deadlineMs?: number): Promise<RegExpExecArray> {
    const reading = async () => {
      for (;;) {
        const match = pattern.exec(this.received);
        if (match !== null) return match;
        if (!await this.#read()) throw new Error(`The server closed after: ${this.received}`);
      }
    };
    return await within(reading(), `${pattern} on a connection`, deadlineMs, () => this.received);
  }

  /** Reads until the server has closed; all that has come. A reset is an end, too. */
  async receiveAll(deadlineMs?: number): Promise<string> {
    const reading = async () => {
      while (await this.#read().catch(() => false));
      return this.received;
    };
    return await within(reading(), "the end of a connection", deadlineMs, () => this.received);
  }

  /** Reads until so many more bytes have come, or the server has closed. */
  async receiveMore(bytes: number): Promise<void> {
    const end = this.received.length + bytes;
    while (this.received.length < end && await this.#read());
  }

  async #read(): Promise<boolean> {
    const buffer = new Uint8Array(16_384);
    const count = await this.#connection.read(buffer);
    if (count === null) return false;
    this.received += String.fromCharCode(...buffer.subarray(0, count));
    return true;
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // A test may have closed it.
    }
  }
}
