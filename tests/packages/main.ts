// Valet with the tasks of the package corpus in place of the shipped ones. Started by run.ts.

import { serve } from "../../main.ts";

await serve({ worker: new URL("./worker.ts", import.meta.url) });
