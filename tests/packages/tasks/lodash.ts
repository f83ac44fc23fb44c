// Groups and sums orders with lodash, and debounces calls.

import _ from "lodash";

const orders = [
  { customer: "ada", total: 30, tags: ["a", "b"] },
  { customer: "bob", total: 5, tags: ["b"] },
  { customer: "ada", total: 12, tags: ["c"] },
];

/** Needs no params. */
export default async function run() {
  const byCustomer = _.groupBy(orders, "customer");
  let calls = 0;
  const debounced = _.debounce(() => calls++, 5);
  debounced();
  debounced();
  await new Promise((resolve) => _.delay(resolve, 50));
  return {
    totals: _.mapValues(byCustomer, (list: typeof orders) => _.sumBy(list, "total")),
    tags: _.uniq(_.flatMap(orders, "tags")),
    merged: _.merge({ a: { b: 1 } }, _.set({}, "a.c[0]", 2)),
    rendered: _.template("<%= name %>!")({ name: "lodash" }),
    calls,
  };
}
