// A stub of OpenAI's API: chat completions, whole and as a stream.

import type { LocalServer } from "./mod.ts";

const apiKey = "sk-stub";

/** Starts it. Its params: `baseURL` and `apiKey`. Its one model, `stub`, answers in capitals. */
export function startOpenaiServer(): LocalServer {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
  return {
    params: { baseURL: `http://127.0.0.1:${server.addr.port}/v1`, apiKey },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.headers.get("authorization") !== `Bearer ${apiKey}`) {
    return Response.json({ error: { message: "Incorrect API key provided" } }, { status: 401 });
  }
  const { model, messages, stream } = await request.json();
  if (pathname !== "/v1/chat/completions" || model !== "stub") {
    return Response.json({ error: { message: `There is no model ${model}` } }, { status: 404 });
  }
  const content: string = messages.at(-1).content.toUpperCase();
  const head = { id: "chatcmpl-1", created: 0, model };
  if (!stream) {
    return Response.json({
      ...head,
      object: "chat.completion",
      choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
    });
  }
  const chunks = content.split(/(?<= )/).map((part) => ({
    ...head,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta: { content: part }, finish_reason: null }],
  }));
  const events = [...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"];
  // A write for each event, as the API does it.
  const body = ReadableStream.from(events.map((data) => `data: ${data}\n\n`))
    .pipeThrough(new TextEncoderStream());
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}
