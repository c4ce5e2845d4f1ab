/**
 * Blows that a server must survive, one after the other, with what became of the jobs meanwhile.
 *
 *     npm run chaos -- [--seed 1] [--only part-of-a-name] [--short]
 */
import { cpus, loadavg } from "node:os"
import { parseArgs } from "node:util"
import { movedClocks } from "./clocks.ts"
import { emptiedQueue } from "./emptiedQueue.ts"
import { transientFaults } from "./faults.ts"
import { frozenNode } from "./frozen.ts"
import { killedOnPglite, killedOnPostgres } from "./killed.ts"
import { model } from "./model.ts"
import { faultyNetwork } from "./network.ts"
import { roles, rollingRestart } from "./rollingRestart.ts"
import type { Figure, Scenario } from "./Scenario.ts"
import * as stalledClient from "./stalledClient.ts"
import { terminatedConnections } from "./terminated.ts"
import { twoHosts, twoNodes } from "./twoNodes.ts"
import { unplugged } from "./unplugged.ts"
import { unpluggedStores } from "./unpluggedStores.ts"

const scenarios: ReadonlyArray<Scenario> = [
  killedOnPostgres, killedOnPglite, twoNodes, twoHosts, frozenNode, rollingRestart, roles, terminatedConnections, faultyNetwork, emptiedQueue, movedClocks, transientFaults, unplugged, unpluggedStores, model, stalledClient
]

const { values } = parseArgs({ options: { seed: { type: "string", default: String(Date.now() % 100_000) }, only: { type: "string", default: "" }, short: { type: "boolean", default: false } } })
const seed = Number(values.seed)
console.log(`seed ${seed}, node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}`)

const chosen = scenarios.filter(({ name }) => name.toLowerCase().includes(values.only.toLowerCase()))
if (chosen.length === 0) throw new Error(`No scenario has "${values.only}" in its name: ${scenarios.map(({ name }) => name).join("; ")}`)
let missed = 0
for (const { name, run } of chosen) {
  const begun = performance.now()
  const figures: ReadonlyArray<Figure> = await run({ seed, short: values.short })
  missed += figures.filter(({ ok }) => !ok).length
  console.log(`\n${name} (${((performance.now() - begun) / 1000).toFixed(0)} s)`)
  console.table(Object.fromEntries(figures.map(({ bar, figure, ok, value }) => [figure, { value, bar, ok }])))
}
if (missed > 0) {
  console.log(`${missed} bars were missed (seed ${seed}).`)
  process.exitCode = 1
}
