// A stub of MongoDB, which Debian has not: the commands of the wire protocol that mongodb and mongoose send for
// inserts, updates with $set and queries by equality. Documents live in memory, as long as the stub.
//
//     message  length, request id, id of the answered request, opcode: four int32, little-endian; then its body
//     OP_MSG   flags (int32), then sections: 0 and a document, or 1, length (int32), a name and documents
//     OP_QUERY flags, collection, skip, count, a document: the first hello of a connection; its reply is OP_REPLY

import { BSON, type Document, ObjectId } from "mongodb";
import type { LocalServer } from "./mod.ts";
import { startTcpStub } from "./tcp.ts";

const opReply = 1;
const opQuery = 2004;
const opMessage = 2013;
const headerLength = 16;
/** Of an OP_REPLY, before its documents: their count, one, after flags, cursor and start, which are zero. */
const replyHead = Uint8Array.from({ length: 20 }, (_, index) => index === 16 ? 1 : 0);
/** Of an OP_MSG, before its document: no flags, and a section of kind 0. */
const messageHead = new Uint8Array(5);
const endOfText = 0;

/** Starts it, empty. Its params: `url`. */
export function startMongodbServer(): LocalServer {
  const collections = new Map<string, Document[]>();
  const stub = startTcpStub("127.0.0.1", (connection) => serve(connection, collections));
  return {
    params: { url: `mongodb://127.0.0.1:${stub.port}` },
    [Symbol.asyncDispose]: () => stub[Symbol.asyncDispose](),
  };
}

async function serve(
  connection: Deno.TcpConn,
  collections: Map<string, Document[]>,
): Promise<void> {
  for await (const message of messagesOf(connection)) {
    const reply = replyTo(message, collections);
    for (let sent = 0; sent < reply.length;) sent += await connection.write(reply.subarray(sent));
  }
}

function replyTo(message: Uint8Array, collections: Map<string, Document[]>): Uint8Array {
  const view = viewOf(message);
  const requestId = view.getInt32(4, true);
  const isQuery = view.getInt32(12, true) === opQuery;
  const command = isQuery ? commandOfQuery(message) : commandOfMessage(message);
  const answer = BSON.serialize(answerTo(command, collections));
  const head = isQuery ? replyHead : messageHead;
  const reply = new Uint8Array(headerLength + head.length + answer.length);
  const header = [reply.length, 0, requestId, isQuery ? opReply : opMessage];
  header.forEach((value, index) => viewOf(reply).setInt32(4 * index, value, true));
  reply.set(head, headerLength);
  reply.set(answer, headerLength + head.length);
  return reply;
}

async function* messagesOf(connection: Deno.TcpConn): AsyncGenerator<Uint8Array> {
  let bytes = new Uint8Array();
  const part = new Uint8Array(65_536);
  for (;;) {
    const length = bytes.length < 4 ? Infinity : viewOf(bytes).getInt32(0, true);
    if (bytes.length >= length) {
      yield bytes.subarray(0, length);
      bytes = bytes.slice(length);
      continue;
    }
    const count = await connection.read(part);
    if (count === null) return;
    const joined = new Uint8Array(bytes.length + count);
    joined.set(bytes);
    joined.set(part.subarray(0, count), bytes.length);
    bytes = joined;
  }
}

function commandOfQuery(message: Uint8Array): Document {
  const nameStart = headerLength + 4;
  return documentAt(message, message.indexOf(endOfText, nameStart) + 1 + 8);
}

/** The document of the command; documents in sections of their own are fields of it, by the names of these. */
function commandOfMessage(message: Uint8Array): Document {
  const command: Document = {};
  const view = viewOf(message);
  for (let at = headerLength + 4; at < message.length;) {
    const kind = message[at++];
    const end = at + view.getInt32(at, true);
    if (kind === 0) Object.assign(command, documentAt(message, at));
    else {
      const nameEnd = message.indexOf(endOfText, at + 4);
      const name = new TextDecoder().decode(message.subarray(at + 4, nameEnd));
      const documents: Document[] = [];
      for (let next = nameEnd + 1; next < end; next += view.getInt32(next, true)) {
        documents.push(documentAt(message, next));
      }
      command[name] = documents;
    }
    at = end;
  }
  return command;
}

function documentAt(bytes: Uint8Array, at: number): Document {
  const length = viewOf(bytes).getInt32(at, true);
  return BSON.deserialize(bytes.subarray(at, at + length));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function answerTo(command: Document, collections: Map<string, Document[]>): Document {
  const [name = "", target] = Object.entries(command)[0] ?? [];
  const namespace = `${command["$db"]}.${target}`;
  const stored = collections.get(namespace) ?? [];
  switch (name) {
    case "hello":
    case "ismaster":
    case "isMaster":
      return {
        ok: 1,
        isWritablePrimary: true,
        ismaster: true,
        helloOk: true,
        minWireVersion: 0,
        maxWireVersion: 25,
        maxBsonObjectSize: 16_777_216,
        maxMessageSizeBytes: 48_000_000,
        maxWriteBatchSize: 100_000,
        localTime: new Date(),
        logicalSessionTimeoutMinutes: 30,
      };
    case "insert": {
      const added: Document[] = command["documents"];
      collections.set(namespace, [...stored, ...added]);
      return { ok: 1, n: added.length };
    }
    case "update": {
      let count = 0;
      for (const { q, u, multi } of command["updates"]) {
        const found = stored.filter((document) => hasAll(document, q)).slice(
          0,
          multi ? undefined : 1,
        );
        for (const document of found) Object.assign(document, u.$set);
        count += found.length;
      }
      return { ok: 1, n: count, nModified: count };
    }
    case "find": {
      const found = stored.filter((document) => hasAll(document, command["filter"]));
      const firstBatch = found.slice(0, command["limit"] || undefined);
      return { ok: 1, cursor: { id: BSON.Long.ZERO, ns: namespace, firstBatch } };
    }
    case "createIndexes":
    case "endSessions":
    case "ping":
      return { ok: 1 };
    default:
      return { ok: 0, code: 59, codeName: "CommandNotFound", errmsg: `no such command: ${name}` };
  }
}

function hasAll(document: Document, filter: Document): boolean {
  return Object.entries(filter).every(([field, value]) =>
    value instanceof ObjectId ? value.equals(document[field]) : document[field] === value
  );
}
