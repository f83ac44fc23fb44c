// Counts the words of a text.

import { defineTask } from "@valet/valet/task";
import * as v from "valibot";

export default defineTask({
  params: v.object({ text: v.string() }),
  run({ text }, { log }) {
    const words = text.split(/\s+/).filter((word) => word !== "").length;
    log.info("counted", { words });
    return { words };
  },
});
