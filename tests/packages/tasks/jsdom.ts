// Loads a web page with jsdom, runs its script and clicks a button.

import { JSDOM } from "jsdom";

/** Params: the `html`. */
export default function run({ html }: { html: string }) {
  const { window } = new JSDOM(html, { runScripts: "dangerously", url: "http://corpus.test/" });
  const { document } = window;
  document.querySelector("button").click();
  document.querySelector("button").click();
  const texts = [...document.querySelectorAll("p")].map(({ textContent }) => textContent);
  window.close();
  return { texts, host: document.location.host };
}
