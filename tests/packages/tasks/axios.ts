// Sends requests with axios: JSON there and back, a redirect, an answer that is an error.

import axios from "axios";

/** Params: `url` of the server. */
export default async function run({ url }: { url: string }) {
  const client = axios.create({ baseURL: url, timeout: 5_000 });
  const { data: echo } = await client.post("/echo", { name: "axios", sum: 3 });
  const { data: redirected } = await client.get("/redirect");
  const missing = await client.get("/missing").catch((error) => error.response.status);
  return { echoed: echo.body, redirected, missing };
}
