// One keep-alive HTTP/1.1 connection that understands just enough to know where an answer ends: the
// status line and the content-length. Used by load.ts, and by server_process.ts to see a server answer.

/** A connection with at most one request in flight. */
export interface RawConnection {
  /** Sends the bytes of a request and returns the status of its answer, once all of it is here. */
  exchange(request: Uint8Array): Promise<number>;
  /** The body of the last answer. */
  bodyText(): string;
  close(): void;
}

/** The largest answer that fits. */
const maxAnswerBytes = 256 * 1024;

/** Connects to a server of this machine. */
export async function openConnection(port: number): Promise<RawConnection> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  connection.setNoDelay(true);
  const buffer = new Uint8Array(maxAnswerBytes);
  let bodyAt = 0;
  let end = 0;

  /** Where the answer at the start of the buffer ends; Infinity: its head is not complete. */
  function findEnd(length: number): number {
    let bodyBytes = 0;
    for (let at = 12; at + 2 < length; at++) {
      if (buffer[at] !== lineFeed) continue;
      if (buffer[at + 1] === carriageReturn) {
        bodyAt = at + 3;
        return bodyAt + bodyBytes;
      }
      if (isContentLength(buffer, at + 1)) bodyBytes = readNumber(buffer, at + 16);
    }
    return Infinity;
  }

  return {
    async exchange(request) {
      await connection.write(request);
      let length = 0;
      end = Infinity;
      while (length < end) {
        const count = await connection.read(length === 0 ? buffer : buffer.subarray(length));
        if (count === null) throw new Error("Cannot read the answer: the server closed");
        length += count;
        if (end === Infinity) end = findEnd(length);
      }
      return readNumber(buffer, 9);
    },
    bodyText: () => new TextDecoder().decode(buffer.subarray(bodyAt, end)),
    close: () => connection.close(),
  };
}

const lineFeed = 10;
const carriageReturn = 13;
const space = 32;

/** Whether the header that begins there is `content-length:`, in either case of its letters. */
function isContentLength(buffer: Uint8Array, at: number): boolean {
  return (buffer[at]! | 32) === 99 && buffer[at + 7] === 45 && (buffer[at + 8]! | 32) === 108 &&
    buffer[at + 14] === 58;
}

function readNumber(buffer: Uint8Array, at: number): number {
  while (buffer[at] === space) at++;
  let value = 0;
  for (let digit = buffer[at]! - 48; digit >= 0 && digit <= 9; digit = buffer[++at]! - 48) {
    value = value * 10 + digit;
  }
  return value;
}
