// Asks a language model over the API of OpenAI, once for a whole answer and once for a stream of it.

import OpenAI from "openai";

/** The answer, the parts of the streamed one, and the kind of error of a model that is not there. */
export default async function ask({ baseURL, apiKey, question }: {
  baseURL: string;
  apiKey: string;
  question: string;
}, { signal }: { signal: AbortSignal }) {
  const openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const messages = [{ role: "user" as const, content: question }];
  const model = "stub";
  const whole = await openai.chat.completions.create({ model, messages }, { signal });
  const stream = await openai.chat.completions.create({ model, messages, stream: true }, {
    signal,
  });
  const parts: string[] = [];
  for await (const { choices } of stream) parts.push(choices[0]?.delta.content ?? "");
  const refused = await openai.chat.completions.create({ model: "none", messages })
    .then(() => "nothing", (error) => error.constructor.name);
  return { answer: whole.choices[0]?.message.content, parts, refused };
}
