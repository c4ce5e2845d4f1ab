import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock, TestConsole } from "effect/testing"
import { layer as logging } from "../../../src/logging.ts"
import { diskState, migrationState, workerState } from "../../../src/operations/checks.ts"
import { Health, type HealthReport, type NamedCheck } from "../../../src/operations/Health.ts"
import { migrationNames } from "../../../src/persistence/migrating.ts"

const withHealth = <A, E>(checks: ReadonlyArray<NamedCheck>, use: Effect.Effect<A, E, Health>) =>
  use.pipe(Effect.provide(
    Health.layer({ version: "1.2.3", checks: Effect.succeed(checks) }).pipe(Layer.provideMerge(logging({ format: "json", level: "Info" })))
  ))
const lines = Effect.map(TestConsole.logLines, (all) => all.map((line) => JSON.parse(String(line)) as { level: string; message: string; error?: { message: string } }))

describe("the health of a server", () => {
  it.effect("is looked at without being asked for, and tells of changes alone, with a line in the log for each", () => {
    let works = true
    const checks: ReadonlyArray<NamedCheck> = [
      { name: "storage", run: Effect.suspend(() => works ? Effect.succeed({ status: "HEALTHY" as const }) : Effect.die(new Error("the disk is gone"))) },
      { name: "disk", run: Effect.succeed({ status: "HEALTHY" }) }
    ]
    return withHealth(checks, Effect.gen(function*() {
      const { changes } = yield* Health
      const heard: Array<HealthReport> = []
      const unlisten = changes.listen({ onEntries: (entries) => heard.push(...entries.map(({ value }) => value)), onEnd: () => {} })
      const first = yield* changes.stored(0)
      expect(first.entries.map(({ value }) => value.status)).toEqual(["HEALTHY"])
      yield* TestClock.adjust("20 seconds")
      works = false
      yield* TestClock.adjust("20 seconds")
      works = true
      yield* TestClock.adjust("20 seconds")
      unlisten()
      works = false
      yield* TestClock.adjust("5 seconds")
      expect(heard.map(({ status }) => status)).toEqual(["HEALTHY", "UNHEALTHY", "HEALTHY"])
      expect((yield* changes.stored(first.until)).entries.map(({ value }) => value.status)).toEqual(["UNHEALTHY"])
      expect(yield* lines).toMatchObject([
        { level: "warn", message: expect.stringContaining("storage is UNHEALTHY"), error: { message: "the disk is gone" } },
        { level: "info", message: "storage is in order again" },
        { level: "warn", message: expect.stringContaining("storage is UNHEALTHY") }
      ])
    }))
  })

  it.effect("does not wait for a check that never answers", () =>
    withHealth([{ name: "engine", run: Effect.never }], Effect.gen(function*() {
      yield* TestClock.adjust("8 seconds")
      const { changes } = yield* Health
      const [entry] = (yield* changes.stored(0)).entries
      expect(entry?.value.checks).toMatchObject([{ name: "engine", status: "UNHEALTHY", message: "gave no answer within 3 seconds" }])
    })))
})

describe("a check", () => {
  it("finds tables that are older or newer than this version", () => {
    expect(migrationState(migrationNames)).toMatchObject({ status: "HEALTHY" })
    expect(migrationState(migrationNames.slice(1))).toMatchObject({ status: "UNHEALTHY", message: expect.stringContaining("npm run migrate") })
    expect(migrationState([...migrationNames, "9999_of_tomorrow"])).toMatchObject({ status: "DEGRADED", message: expect.stringContaining("9999_of_tomorrow") })
  })

  it("finds work that nobody takes", () => {
    expect(workerState({ running: 0, nodes: 0, waitedSeconds: 61 })).toMatchObject({ status: "DEGRADED", message: expect.stringContaining("PLAYHEAD_ROLES") })
    expect(workerState({ running: 1, nodes: 1, waitedSeconds: 600 }).status).toBe("HEALTHY")
    expect(workerState({ running: 0, nodes: 0, waitedSeconds: 5 }).status).toBe("HEALTHY")
  })

  it("finds a disk that is nearly full", () => {
    expect(diskState(1024 ** 3 - 1).status).toBe("DEGRADED")
    expect(diskState(1024 ** 3).status).toBe("HEALTHY")
  })
})
