import { describe, expect, it } from "vitest"
import { killedOnPglite, killedOnPostgres } from "../chaos/killed.ts"
import { emptiedQueue, faultyNetwork, terminatedConnections } from "../chaos/lostDatabase.ts"
import { frozenNode, rollingRestart, twoNodes, wrongClocks } from "../chaos/twoNodes.ts"

/** The long versions, with their bars of time, are `npm run chaos`. */
describe("no job is lost, doubled or stuck, and no stream has a gap:", () => {
  it.each([killedOnPostgres, killedOnPglite, twoNodes, rollingRestart, frozenNode, wrongClocks, terminatedConnections, faultyNetwork, emptiedQueue])(
    "$name",
    async ({ run }) => {
      const figures = await run({ seed: 1, short: true })
      expect(figures.filter(({ ok }) => !ok)).toEqual([])
    },
    180_000
  )
})
