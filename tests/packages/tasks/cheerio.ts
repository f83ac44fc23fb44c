// Reads a web page with cheerio and changes it.

import * as cheerio from "cheerio";

/** Params: the `html`. */
export default function run({ html }: { html: string }) {
  const $ = cheerio.load(html);
  const links = $("a[href]").map((_index, element) => $(element).attr("href")).get();
  $("li").first().addClass("first").text("changed");
  return { title: $("title").text(), links, list: $("ul").html() };
}
