import { describe, expect, it } from "vitest"
import { movedClocks } from "../chaos/clocks.ts"
import { emptiedQueue } from "../chaos/emptiedQueue.ts"
import { transientFaults } from "../chaos/faults.ts"
import { frozenNode } from "../chaos/frozen.ts"
import { killedOnPglite, killedOnPostgres } from "../chaos/killed.ts"
import { faultyNetwork } from "../chaos/network.ts"
import { roles, rollingRestart } from "../chaos/rollingRestart.ts"
import { terminatedConnections } from "../chaos/terminated.ts"
import { twoHosts, twoNodes } from "../chaos/twoNodes.ts"

/** The long versions, with their bars of time, are `npm run chaos`. */
describe("no job is lost, doubled or stuck, and no stream has a gap:", () => {
  it.each([killedOnPostgres, killedOnPglite, twoNodes, twoHosts, frozenNode, rollingRestart, roles, terminatedConnections, faultyNetwork, emptiedQueue, movedClocks])(
    "$name",
    async ({ run }) => {
      const figures = await run({ seed: 1, short: true })
      expect(figures.filter(({ ok }) => !ok)).toEqual([])
    },
    120_000
  )
})

describe("what passes is made good without a person, and leaves no file, process or connection behind:", () => {
  it.each([transientFaults])("$name", async ({ run }) => {
    const figures = await run({ seed: 1, short: true })
    expect(figures.filter(({ ok }) => !ok)).toEqual([])
  }, 360_000)
})
