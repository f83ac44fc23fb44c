// A stub of a mail server: it speaks enough of SMTP (RFC 5321) to be sent a mail by nodemailer.

import type { LocalServer } from "./mod.ts";
import { startTcpStub } from "./tcp.ts";

/** A name, as mail servers have one: the task must be allowed to look it up. */
const host = "localhost";
const user = "valet";
const password = "secret";

/** Starts it. Its params: `host`, `port`, `user` and `password`. */
export function startSmtpServer(): LocalServer {
  const stub = startTcpStub(host, serve);
  return {
    params: { host, port: stub.port, user, password },
    [Symbol.asyncDispose]: () => stub[Symbol.asyncDispose](),
  };
}

async function serve(connection: Deno.TcpConn): Promise<void> {
  const reply = (text: string) => writeAll(connection, `${text}\r\n`);
  let isKnown = false;
  let mail: string[] | undefined;
  await reply("220 stub ESMTP");
  for await (const line of linesOf(connection)) {
    if (mail !== undefined && line !== ".") {
      mail.push(line);
      continue;
    }
    if (mail !== undefined) {
      // The reply says what has arrived, so that the result of the task shows it.
      const subject = mail.find((line) => line.startsWith("Subject: "));
      const files = mail.filter((line) => line.startsWith("Content-Disposition: attachment"));
      await reply(`250 stored: ${subject}, ${files.length} attachment`);
      mail = undefined;
      continue;
    }
    const [verb = "", ...words] = line.split(" ");
    switch (verb.toUpperCase()) {
      case "EHLO":
        await reply("250-stub\r\n250 AUTH PLAIN");
        break;
      case "AUTH":
        isKnown = words[1] === btoa(`\0${user}\0${password}`);
        await reply(isKnown ? "235 welcome" : "535 wrong user or password");
        break;
      case "DATA":
        mail = [];
        await reply("354 go on");
        break;
      case "QUIT":
        return await reply("221 bye");
      default: // MAIL and RCPT.
        await reply(isKnown ? "250 ok" : "530 who are you?");
    }
  }
}

async function* linesOf(connection: Deno.TcpConn): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  const bytes = new Uint8Array(16_384);
  for (;;) {
    const count = await connection.read(bytes);
    if (count === null) return;
    const lines = (rest + decoder.decode(bytes.subarray(0, count), { stream: true })).split("\r\n");
    rest = lines.pop()!;
    yield* lines;
  }
}

async function writeAll(connection: Deno.TcpConn, text: string): Promise<void> {
  let bytes = new TextEncoder().encode(text);
  while (bytes.length > 0) bytes = bytes.subarray(await connection.write(bytes));
}
