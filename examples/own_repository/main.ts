// Runs Valet with the tasks of this repository. Nothing else stands here: runner processes start with this module, too.

import { serve } from "@valet/valet";

await serve({ worker: new URL("./tasks/worker.ts", import.meta.url) });
