// One request as bytes of the test's own on a connection of its own, and what comes back: for requests that no
// client would send.

import { RawConnection } from "./raw_connection.ts";
import { within } from "./within.ts";

/** What came back. */
export interface RawAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  /** The head in lower case, each line ended by a line feed. */
  readonly head: string;
  readonly body: string;
}

/** How to send. */
export interface RawOptions {
  /** Whether to end the sending side after the request. */
  readonly halfCloses?: boolean;
}

/** Sends the bytes and reads the answer, until it is complete or the connection ends. */
export async function exchangeRaw(
  url: string,
  request: string | Uint8Array,
  { halfCloses = false }: RawOptions = {},
): Promise<RawAnswer> {
  using connection = await RawConnection.open(Number(new URL(url).port));
  const send = async () => {
    await connection.send(request);
    if (halfCloses) await connection.endSending();
  };
  const read = async () => {
    for (;;) {
      const lengthBefore = connection.received.length;
      await connection.receiveMore(1).catch(() => {}); // A reset is an end, too.
      const hasEnded = connection.received.length === lengthBefore;
      const answer = readAnswer(connection.received, hasEnded);
      if (answer !== null) return answer;
    }
  };
  // The server may end the connection before it has read all: what it answered is what counts.
  const sending = send().catch(() => {});
  const answer = await within(read(), "the answer or the end of the connection");
  await sending;
  return answer;
}

/** Null: there is more to come. Interim answers are passed over. */
function readAnswer(text: string, hasEnded: boolean): RawAnswer | null {
  const final = text.replace(/^HTTP\/1\.1 1\d\d [^]*?\r\n\r\n/, "");
  const [, status = "0", rest = "", body = ""] =
    /^HTTP\/1\.[01] (\d{3}) [^\r]*\r\n([^]*?)\r\n\r\n([^]*)$/.exec(final) ?? [];
  const head = rest.toLowerCase().replaceAll("\r\n", "\n");
  const length = Number(/^content-length: (\d+)$/m.exec(head)?.[1] ?? NaN);
  // An answer in chunks is one chunk; its end may wait for the end of the request.
  const chunk = /^[\da-f]+\r\n([^\r]+)\r\n/i.exec(body)?.[1];
  const isComplete = chunk !== undefined || body.length >= length;
  return hasEnded || isComplete ? { status: Number(status), head, body: chunk ?? body } : null;
}
