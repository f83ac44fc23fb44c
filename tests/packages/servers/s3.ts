// A stub of S3: PutObject, GetObject and ListObjectsV2, with buckets in the path. Objects live in memory.

import type { LocalServer } from "./mod.ts";

const accessKeyId = "AKIASTUB";

interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly type: string;
}

/** Starts it, empty. Its params: `endpoint`, `accessKeyId` and `secretAccessKey`. */
export function startS3Server(): LocalServer {
  const objects = new Map<string, StoredObject>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => answer(request, objects),
  );
  return {
    params: {
      endpoint: `http://127.0.0.1:${server.addr.port}`,
      accessKeyId,
      secretAccessKey: "secret",
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function answer(request: Request, objects: Map<string, StoredObject>): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const signature = request.headers.get("authorization") ?? "";
  if (!signature.startsWith(`AWS4-HMAC-SHA256 Credential=${accessKeyId}/`)) {
    return refusal(403, "InvalidAccessKeyId");
  }
  if (request.method === "PUT") {
    objects.set(pathname, {
      bytes: await request.bytes(),
      type: request.headers.get("content-type") ?? "",
    });
    return new Response(null, { headers: { etag: '"1"' } });
  }
  if (request.method === "GET" && searchParams.get("list-type") === "2") {
    const bucket = pathname.replace(/\/?$/, "/");
    const prefix = bucket + (searchParams.get("prefix") ?? "");
    const contents = [...objects].filter(([path]) => path.startsWith(prefix)).sort();
    return xml(
      200,
      `<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>${contents.length}</KeyCount>${
        contents.map(([path, { bytes }]) =>
          `<Contents><Key>${path.slice(bucket.length)}</Key><Size>${bytes.length}</Size></Contents>`
        ).join("")
      }</ListBucketResult>`,
    );
  }
  const object = objects.get(pathname);
  if (request.method !== "GET" || object === undefined) return refusal(404, "NoSuchKey");
  return new Response(object.bytes, { headers: { "content-type": object.type } });
}

function refusal(status: number, code: string): Response {
  return xml(status, `<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

function xml(status: number, body: string): Response {
  return new Response(`<?xml version="1.0" encoding="UTF-8"?>${body}`, {
    status,
    headers: { "content-type": "application/xml" },
  });
}
