// Rewrites the configuration reference in docs/configuration.md. Run it after a change to src/config/schema.ts:
// deno run --allow-read=docs --allow-write=docs tools/update_config_reference.ts

import { replaceConfigReference } from "../src/config/reference.ts";

const path = new URL("../docs/configuration.md", import.meta.url);
Deno.writeTextFileSync(path, replaceConfigReference(Deno.readTextFileSync(path)));
