// Makes UUIDs with uuid.

import { parse, v4, v5, v7, validate, version } from "uuid";

/** Needs no params. */
export default function run() {
  const ids = [v4(), v7()];
  return {
    versions: ids.map(version),
    areValid: ids.every(validate),
    ofName: v5("valet", v5.URL),
    bytes: parse(ids[0]!).length,
  };
}
