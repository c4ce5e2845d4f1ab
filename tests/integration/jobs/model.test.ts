import { describe, it } from "vitest"
import { testDatabase } from "../../support/database.ts"
import { holdAgainstModel, modelKind } from "../../support/jobModel.ts"
import { useEngine } from "../../support/useEngine.ts"

describe("jobs, whatever clients, workers and mishaps do", () => {
  const outcomes: Parameters<typeof modelKind>[0] = new Map()
  const engine = useEngine({ database: testDatabase("pglite"), kinds: [modelKind(outcomes).definition], worker: false })

  it("change only as the state machine allows, and tell it without a gap", async () => {
    await holdAgainstModel(engine(), outcomes, { runs: 30 })
  }, 120_000)
})
