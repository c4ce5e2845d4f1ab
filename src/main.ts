/** Launch only. What was compiled at an earlier start is used again: without that, loading takes half of the start. */
import { enableCompileCache } from "node:module"
import { join } from "node:path"

// Beside the packages, where only those write who may change the code itself; where nobody may, there is no cache.
enableCompileCache(join(import.meta.dirname, "../node_modules/.cache/playhead"))
await import("./launch.ts")
