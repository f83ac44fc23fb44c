// A local HTTP server for http_request jobs: it answers when the test lets it, and tells the test when a
// request came and when its client went away. So a test decides how long a job runs.

import { within } from "./within.ts";

interface Held {
  readonly came: PromiseWithResolvers<void>;
  readonly dropped: PromiseWithResolvers<void>;
  readonly release: PromiseWithResolvers<void>;
}

/** Serves `/hold/<name>`, each name once, and answers anything else at once. */
export class HeldRequests implements AsyncDisposable {
  /** The paths of all requests so far. */
  readonly paths: string[] = [];
  readonly #held = new Map<string, Held>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen() {} },
      (request) => this.#answer(request),
    );
  }

  /** The URL of a path of this server. */
  url(path: string): string {
    return `http://127.0.0.1:${this.#server.addr.port}${path}`;
  }

  /** The params of a job that runs until `release(name)`. */
  holdParams(name: string): { url: string } {
    return { url: this.url(`/hold/${name}`) };
  }

  /** Waits for the request of that name: its job runs now. */
  async waitFor(name: string): Promise<void> {
    await within(this.#get(name).came.promise, `the request ${name}`);
  }

  /** Waits until the client of that request has gone without an answer. */
  async waitForDrop(name: string): Promise<void> {
    await within(this.#get(name).dropped.promise, `the client of ${name} to go away`);
  }

  /** Answers the request of that name, now or when it comes. */
  release(name: string): void {
    this.#get(name).release.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const held of this.#held.values()) held.release.resolve();
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    this.paths.push(pathname);
    if (!pathname.startsWith("/hold/")) {
      return Response.json({ method: request.method, path: pathname, text: await request.text() });
    }
    const held = this.#get(pathname.slice("/hold/".length));
    held.came.resolve();
    request.signal.addEventListener("abort", () => {
      held.dropped.resolve();
      held.release.resolve();
    });
    await held.release.promise;
    return new Response("released");
  }

  #get(name: string): Held {
    let held = this.#held.get(name);
    if (held === undefined) {
      held = {
        came: Promise.withResolvers(),
        dropped: Promise.withResolvers(),
        release: Promise.withResolvers(),
      };
      this.#held.set(name, held);
    }
    return held;
  }
}
