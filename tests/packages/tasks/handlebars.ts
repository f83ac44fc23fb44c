// Renders a template with handlebars: a partial, a helper, escaped values.

import Handlebars from "handlebars";

/** Params: the `orders`. */
export default function run({ orders }: { orders: readonly object[] }) {
  const handlebars = Handlebars.create();
  handlebars.registerHelper("euros", (cents: number) => `${(cents / 100).toFixed(2)} EUR`);
  handlebars.registerPartial("order", "{{name}}: {{euros cents}}");
  const render = handlebars.compile("{{#each orders}}{{> order}};{{else}}none{{/each}}");
  return { text: render({ orders }), empty: render({ orders: [] }) };
}
