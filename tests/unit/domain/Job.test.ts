import { describe, expect, it } from "vitest"
import { canTransition, isTerminal, JobStatus, jobTransitions, terminalStatuses } from "../../../src/domain/Job.ts"

describe("a job's state machine", () => {
  it("lets nothing follow a terminal status", () => {
    for (const from of terminalStatuses) {
      for (const to of JobStatus.literals) expect(canTransition(from, to)).toBe(false)
    }
  })

  it("has exactly three ends", () => {
    expect(JobStatus.literals.filter(isTerminal)).toEqual([...terminalStatuses])
  })

  it("can reach an end from everywhere", () => {
    for (const start of JobStatus.literals) {
      const reached = new Set<JobStatus>([start])
      for (const status of reached) for (const next of jobTransitions[status]) reached.add(next)
      expect([...reached].some(isTerminal)).toBe(true)
    }
  })

  it("is cancelled only after it was asked to stop, or before it ever ran", () => {
    expect(JobStatus.literals.filter((from) => canTransition(from, "CANCELLED"))).toEqual(["QUEUED", "WAITING", "CANCELLING"])
  })
})
