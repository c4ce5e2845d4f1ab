import { describe, expect, it } from "vitest"
import { type EstimatedJob, type EstimatedStage, estimateFinish, type StageSpeed } from "../../../src/jobs/estimate.ts"

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 12, 0, seconds))
const stage = (name: EstimatedStage["name"], status: EstimatedStage["status"], more: Partial<EstimatedStage> = {}): EstimatedStage => ({
  name, status, progress: status === "SUCCEEDED" ? 1 : 0, startedAt: null, ...more
})
const job = (more: Partial<EstimatedJob>): EstimatedJob => ({ progress: 0, startedAt: at(0), updatedAt: at(0), durationMs: null, stages: [], ...more })
const speed = (name: StageSpeed["stage"], durationMs: number, perAudioMs: number | null = null): StageSpeed => ({ stage: name, durationMs, perAudioMs })
const secondsOf = (date: Date | undefined) => date === undefined ? undefined : (date.getTime() - at(0).getTime()) / 1000

describe("the estimated end of a job", () => {
  it("is not known while there is nothing to go by", () => {
    expect(estimateFinish(job({ stages: [stage("DOWNLOAD", "RUNNING", { startedAt: at(0) }), stage("ANALYZE", "PENDING")] }), [])).toBeUndefined()
  })

  it("comes from its own progress as long as there is no history", () => {
    const running = job({ progress: 0.5, updatedAt: at(10), stages: [stage("ANALYZE", "RUNNING", { progress: 0.5, startedAt: at(2) }), stage("FINALIZE", "PENDING")] })
    expect(secondsOf(estimateFinish(running, []))).toBe(20)
  })

  it("is what the last jobs took, before anything of this one is known", () => {
    const begun = job({ stages: [stage("DOWNLOAD", "RUNNING", { startedAt: at(0) }), stage("ANALYZE", "PENDING")] })
    expect(secondsOf(estimateFinish(begun, [speed("DOWNLOAD", 5_000), speed("ANALYZE", 20_000)]))).toBe(25)
  })

  it("grows with the length of the audio, where that is known", () => {
    const long = job({ durationMs: 3_600_000, stages: [stage("DOWNLOAD", "SUCCEEDED"), stage("ANALYZE", "RUNNING", { startedAt: at(0) })] })
    expect(secondsOf(estimateFinish(long, [speed("ANALYZE", 1_000, 0.01)]))).toBe(36)
  })

  it("follows the stage's own speed more and more as it gets on", () => {
    // Twice as slow as those before it.
    const at10Percent = job({ updatedAt: at(4), stages: [stage("ANALYZE", "RUNNING", { progress: 0.1, startedAt: at(0) })] })
    const at90Percent = job({ updatedAt: at(36), stages: [stage("ANALYZE", "RUNNING", { progress: 0.9, startedAt: at(0) })] })
    const history = [speed("ANALYZE", 20_000)]
    expect(secondsOf(estimateFinish(at10Percent, history))).toBeCloseTo(4 + 0.1 * 36 + 0.9 * 16)
    expect(secondsOf(estimateFinish(at90Percent, history))).toBeCloseTo(36 + 0.9 * 4 + 0)
  })

  it("does not count what is finished, reused or skipped", () => {
    const late = job({ updatedAt: at(10), stages: [stage("DOWNLOAD", "REUSED"), stage("PROBE", "SKIPPED"), stage("ANALYZE", "SUCCEEDED"), stage("FINALIZE", "RUNNING", { startedAt: at(10) })] })
    expect(secondsOf(estimateFinish(late, [speed("DOWNLOAD", 99_000), speed("PROBE", 99_000), speed("ANALYZE", 99_000), speed("FINALIZE", 1_000)]))).toBe(11)
  })
})
