// Rewrites the configuration reference in README.md. Run it after a change to src/config/schema.ts:
// deno run --allow-read=README.md --allow-write=README.md tools/update_config_reference.ts

import { replaceConfigReference } from "../src/config/reference.ts";

const path = new URL("../README.md", import.meta.url);
Deno.writeTextFileSync(path, replaceConfigReference(Deno.readTextFileSync(path)));
