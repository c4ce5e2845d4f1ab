import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdir, readdir, writeFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer } from "effect"
import { SecureRandom } from "effect/crypto"
import { WorkDirectories } from "../../../src/storage/WorkDirectories.ts"
import { temporaryDirectory } from "../../support/temporaryDirectory.ts"

const program = fileURLToPath(new URL("../../support/holdWorkDirectory.ts", import.meta.url))

const layer = (directory: string) =>
  WorkDirectories.layer({ directory }).pipe(Layer.provide(SecureRandom.layerWebCrypto))
/** Starts and ends once, as a server does, while `use` runs. */
const started = <A, E>(root: string, use: Effect.Effect<A, E, WorkDirectories>) => Effect.provide(use, layer(root))
const names = (root: string) => Effect.promise(() => readdir(root))

interface Holder {
  readonly child: ChildProcess
  readonly directory: string
}

/** Another process with a work directory. */
const holder = (root: string) =>
  Effect.acquireRelease(
    Effect.promise(async (): Promise<Holder> => {
      const child = fork(program, [root], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
      const [directory] = (await once(child, "message")) as [string]
      return { child, directory }
    }),
    ({ child }) => Effect.sync(() => child.kill("SIGKILL"))
  )

const end = ({ child }: Holder, signal: NodeJS.Signals) =>
  Effect.promise(async () => {
    const exited = once(child, "exit")
    child.kill(signal)
    await exited
  })

describe("a work directory", () => {
  it.live("is empty, its own, and gone with everything in it when the work is done", () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      yield* started(
        root,
        Effect.gen(function* () {
          const { make } = yield* WorkDirectories
          const paths = yield* Effect.gen(function* () {
            const [one, other] = [yield* make, yield* make]
            expect(one).not.toBe(other)
            expect(yield* names(one)).toEqual([])
            yield* Effect.promise(async () => {
              await mkdir(join(one, "deep", "er"), { recursive: true })
              await writeFile(join(one, "deep", "er", "file"), "x")
            })
            return [one, other]
          }).pipe(Effect.scoped)
          expect(paths.map((path) => existsSync(path))).toEqual([false, false])
        })
      )
    })
  )

  it.live("is gone when the work fails, dies or is interrupted", () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      yield* started(
        root,
        Effect.gen(function* () {
          const { make } = yield* WorkDirectories
          const seen: Array<string> = []
          const working = <E>(then: Effect.Effect<never, E>) =>
            make.pipe(
              Effect.tap((path) => Effect.promise(() => writeFile(join(path, "partial"), "x"))),
              Effect.tap((path) => Effect.sync(() => seen.push(path))),
              Effect.andThen(then),
              Effect.scoped
            )
          yield* Effect.exit(working(Effect.fail("failed")))
          yield* Effect.exit(working(Effect.die("died")))
          const fiber = yield* Effect.forkChild(working(Effect.never))
          yield* Effect.sync(() => seen.length).pipe(
            Effect.delay(2),
            Effect.repeat({ until: (count) => count === 3, times: 500 })
          )
          yield* Fiber.interrupt(fiber)
          expect(seen.map((path) => existsSync(path))).toEqual([false, false, false])
        })
      )
    })
  )
})

describe("the place for work directories", () => {
  it.live("is as empty as before when the server has ended", () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      yield* started(root, Effect.void)
      expect(yield* names(root)).toEqual([])
    })
  )

  it.live("is cleared of what a killed process left, at the next start", () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      const killed = yield* holder(root)
      yield* end(killed, "SIGKILL")
      expect(existsSync(join(killed.directory, "half-done"))).toBe(true)
      yield* started(
        root,
        Effect.sync(() => expect(existsSync(killed.directory)).toBe(false))
      )
      expect(yield* names(root)).toEqual([])
    })
  )

  it.live("is cleared by a process that ends in peace", () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      yield* end(yield* holder(root), "SIGTERM")
      expect(yield* names(root)).toEqual([])
    })
  )

  it.live("is shared: what a living process works on is left alone by every start of another", () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      const living = yield* holder(root)
      const killed = yield* holder(root)
      yield* end(killed, "SIGKILL")
      for (let start = 0; start < 3; start++) yield* started(root, Effect.void)
      expect(existsSync(join(living.directory, "half-done"))).toBe(true)
      expect((yield* names(root)).filter((name) => !name.startsWith(basename(dirname(living.directory))))).toEqual([])
    })
  )

  it.live(
    "is shared by many that start at once, each with a directory of its own",
    () =>
      Effect.gen(function* () {
        const root = yield* temporaryDirectory
        const holders = yield* Effect.all(
          Array.from({ length: 4 }, () => holder(root)),
          { concurrency: "unbounded" }
        )
        expect(holders.map(({ directory }) => existsSync(join(directory, "half-done")))).toEqual(
          holders.map(() => true)
        )
        expect(new Set(holders.map(({ directory }) => dirname(directory))).size).toBe(holders.length)
      }),
    60_000
  )

  it.live("must be writable, and one line says so when it is not", () =>
    Effect.gen(function* () {
      const root = yield* temporaryDirectory
      yield* Effect.promise(() => writeFile(join(root, "file"), ""))
      const exit = yield* Effect.exit(started(join(root, "file", "work"), Effect.void))
      expect(Exit.isFailure(exit)).toBe(true)
      const failure = yield* Effect.flip(exit)
      expect(failure).toMatchObject({ _tag: "DataDirectoryError" })
      expect(failure.message).toContain("PLAYHEAD_DATA_DIR")
    })
  )
})
