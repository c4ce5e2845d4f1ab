import { execFileSync, spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger } from "effect"
import { FFmpeg } from "../../../src/audio/FFmpeg.ts"
import { generated, input } from "../../../src/audio/ffmpeg/input.ts"
import { bundledFFmpeg, ffmpegLayer, ffmpegPrograms } from "../../support/audio.ts"

const directory = mkdtempSync(join(tmpdir(), "playhead-ffmpeg-"))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Processes of this machine whose command line has the word; the dead that nobody has collected do not count. */
const running = (word: string): number =>
  execFileSync("ps", ["-eo", "stat=,args="], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.includes(word) && !line.startsWith("Z") && !line.includes("ps -eo")).length

const until = async (holds: () => boolean) => {
  for (let tries = 0; tries < 800 && !holds(); tries++) await new Promise((resolve) => setTimeout(resolve, 25))
}

/** A tag of the output, by which to find this very process among others. */
let runs = 0
const marked = () => {
  const mark = `playhead-test-${process.pid}-${runs++}`
  return { mark, args: ["-metadata", `comment=${mark}`] }
}
const endless = (mark: ReadonlyArray<string>) => [...generated("sine=frequency=440"), ...mark, "-f", "s16le", "pipe:3"]

describe.each(ffmpegPrograms)("ffmpeg as a service, with $name", ({ path }) => {
  it.layer(ffmpegLayer(path), { excludeTestServices: true })((test) => {
    test.effect("names its program and version", () =>
      Effect.gen(function*() {
        const { program } = yield* FFmpeg
        expect(program).toMatchObject({ path, origin: "FFMPEG_PATH" })
        expect(program.version).toMatch(/^\d+\.\d+/u)
      }))

    test.effect("hands every byte of every output to its consumer, and each line of stderr as it comes", () =>
      Effect.gen(function*() {
        const { run } = yield* FFmpeg
        let pcmBytes = 0
        let halvedBytes = 0
        const lines: Array<string> = []
        yield* run({
          args: [
            ...generated("anoisesrc=r=48000:d=10"), "-filter_complex", "[0:a]asplit[a][b];[b]aresample=24000,ebur128=framelog=verbose[c]",
            "-map", "[a]", "-f", "s16le", "-ac", "2", "pipe:3", "-map", "[c]", "-f", "s16le", "-ac", "1", "-ar", "24000", "pipe:4"
          ],
          outputs: { fd3: (chunk) => void (pcmBytes += chunk.length), fd4: (chunk) => void (halvedBytes += chunk.length) },
          onStderrLine: (line) => lines.push(line)
        })
        expect(pcmBytes).toBe(10 * 48_000 * 2 * 2)
        expect(halvedBytes).toBe(10 * 24_000 * 2)
        expect(lines.some((line) => /I:\s+-\d+\.\d LUFS/u.test(line))).toBe(true)
      }))

    test.effect("says what was wrong with a file without telling where it lies", () =>
      Effect.gen(function*() {
        const { run } = yield* FFmpeg
        const file = join(directory, "a strange name.flac")
        writeFileSync(file, "this is no FLAC at all")
        const failure = yield* Effect.flip(run({ args: [...input(file, "flac"), "-f", "null", "-"] }))
        expect(failure).toMatchObject({ _tag: "AudioProcessingError", code: "AUDIO_PROCESSING_FAILED", retryable: false })
        expect(failure.message).not.toContain(tmpdir())
        expect(failure.message).not.toContain("strange")
        const missing = yield* Effect.flip(run({ args: [...input(join(directory, "no such file.wav"), "wav"), "-f", "null", "-"] }))
        expect(missing.message).toContain("No such file or directory")
        expect(missing.message).not.toContain(directory)
      }))

    test.effect("is stopped after its time, with nothing left running", () =>
      Effect.gen(function*() {
        const { run } = yield* FFmpeg
        const { mark, args } = marked()
        const failure = yield* Effect.flip(run({ args: endless(args), outputs: { fd3: () => {} }, timeoutMs: 300 }))
        expect(failure).toMatchObject({ _tag: "TimedOutError", timeoutMs: 300 })
        expect(running(mark)).toBe(0)
      }))

    test.effect("is gone once its fiber is interrupted, however much it had still to say", () =>
      Effect.gen(function*() {
        const { run } = yield* FFmpeg
        const { mark, args } = marked()
        const begun = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(run({ args: endless(args), outputs: { fd3: () => Deferred.doneUnsafe(begun, Effect.void) } }))
        yield* Deferred.await(begun)
        expect(running(mark)).toBe(1)
        yield* Fiber.interrupt(fiber)
        expect(running(mark)).toBe(0)
      }))

    test.effect("ends when a consumer throws, and the bug is a defect", () =>
      Effect.gen(function*() {
        const { run } = yield* FFmpeg
        const { mark, args } = marked()
        const bug = new Error("a bug in a consumer")
        const found = yield* run({ args: endless(args), outputs: { fd3: () => { throw bug } } }).pipe(
          Effect.as(undefined),
          Effect.catchDefect((defect) => Effect.succeed(defect))
        )
        expect(found).toBe(bug)
        expect(running(mark)).toBe(0)
      }))

    test.effect("never dials out, although a playlist asks it to", () =>
      Effect.gen(function*() {
        const { run } = yield* FFmpeg
        let requests = 0
        const server = createServer((_request, response) => void (requests++, response.end()))
        yield* Effect.promise(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)))
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.ts`
        const playlist = join(directory, "list.mp3")
        writeFileSync(playlist, `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${url}\n#EXT-X-ENDLIST\n`)
        // Even with the demuxer that would follow it.
        const args = input(playlist, "mp3").map((arg) => (arg === "mp3" ? "hls" : arg))
        yield* Effect.flip(run({ args: [...args, "-f", "null", "-"] }))
        server.close()
        expect(requests).toBe(0)
      }))

    test.effect("refuses to run with an input that may reach the network", () =>
      Effect.gen(function*() {
        const { run } = yield* FFmpeg
        const defect = yield* run({ args: ["-i", "http://127.0.0.1:1/a.mp3", "-f", "null", "-"] }).pipe(Effect.as(undefined), Effect.catchDefect((found) => Effect.succeed(found)))
        expect(String(defect)).toContain("protocol whitelist")
      }))

    test.effect("runs no more processes at a time than it may", () =>
      Effect.gen(function*() {
        const { run } = yield* FFmpeg
        const { mark, args } = marked()
        const one = run({ args: endless(args), outputs: { fd3: () => {} }, timeoutMs: 1_500 }).pipe(Effect.exit)
        const all = yield* Effect.forkChild(Effect.all([one, one, one, one], { concurrency: "unbounded" }))
        let most = 0
        for (let tries = 0; tries < 8; tries++) {
          yield* Effect.sleep(100)
          most = Math.max(most, running(mark))
        }
        yield* Fiber.interrupt(all)
        expect(most).toBe(2)
        expect(running(mark)).toBe(0)
      }))
  })
})

describe("a child that will not end", () => {
  it.live("is killed with all that it started", () =>
    Effect.gen(function*() {
      const { run } = yield* FFmpeg
      const mark = `playhead-stubborn-${process.pid}`
      const fiber = yield* Effect.forkChild(run({ args: ["stubborn", mark], outputs: { fd3: () => {} } }))
      yield* Effect.promise(() => until(() => running(mark) >= 2))
      expect(running(mark)).toBeGreaterThanOrEqual(2)
      yield* Fiber.interrupt(fiber)
      expect(running(mark)).toBe(0)
    }).pipe(Effect.provide(ffmpegLayer(stubbornFFmpeg()))), 15_000)
})

/** A program that answers -version as ffmpeg does, and else ignores SIGTERM, as does its own child. */
function stubbornFFmpeg(): string {
  const path = join(directory, "stubborn-ffmpeg")
  writeFileSync(path, `#!/bin/sh\ncase "$*" in *-version*) exec ${bundledFFmpeg} -version ;; esac\ntrap "" TERM\nsh -c 'trap "" TERM; while :; do sleep 0.05; done' "$@" &\nwhile :; do sleep 0.05; done\n`)
  chmodSync(path, 0o755)
  return path
}

describe("a server that is killed with SIGKILL", () => {
  it("takes its ffmpeg with it", async () => {
    const { mark, args } = marked()
    const script = `
      import { Effect } from "effect"
      import { FFmpeg } from ${JSON.stringify(new URL("../../../src/audio/FFmpeg.ts", import.meta.url).href)}
      const layer = FFmpeg.layer({ path: ${JSON.stringify(bundledFFmpeg)}, timeoutMs: 60000, maxProcesses: 1 })
      // Files, not pipes: a broken pipe would end ffmpeg in any case.
      const args = ${JSON.stringify([...generated("sine=frequency=440"), ...args, "-f", "null", "-"])}
      await Effect.runPromise(Effect.flatMap(FFmpeg, ({ run }) => run({ args: ["-re", ...args] })).pipe(Effect.provide(layer)))
    `
    const file = join(import.meta.dirname, `killed-server-${process.pid}.tmp.ts`)
    writeFileSync(file, script)
    try {
      const server = spawn(process.execPath, [file], { stdio: "ignore" })
      await until(() => running(mark) === 1)
      expect(running(mark)).toBe(1)
      server.kill("SIGKILL")
      await until(() => running(mark) === 0)
      expect(running(mark)).toBe(0)
    } finally {
      rmSync(file)
    }
  })
})

describe("starting without a usable ffmpeg", () => {
  it.effect("says which setting is wrong, in one line", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(Effect.provide(FFmpeg, FFmpeg.layer({ path: "/nowhere/ffmpeg", timeoutMs: 1_000, maxProcesses: 1 })))
      expect(failure._tag).toBe("FFmpegStartError")
      expect(failure.message).toContain("FFMPEG_PATH")
      expect(failure.message).not.toContain("\n")
    }))

  it.live("takes the ffmpeg of PATH before the bundled one, and warns of the bundled one's age", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      const logger = Logger.make(({ message }) => void logged.push(String(message)))
      const unset = FFmpeg.layer({ path: undefined, timeoutMs: 1_000, maxProcesses: 1 })
      const originWith = (path: string) =>
        Effect.gen(function*() {
          const before = process.env["PATH"]
          process.env["PATH"] = path
          const { program } = yield* Effect.provide(FFmpeg, unset).pipe(Effect.ensuring(Effect.sync(() => { process.env["PATH"] = before })))
          return program
        }).pipe(Effect.provide(Logger.layer([logger])))
      const inPath = join(directory, "bin")
      execFileSync("mkdir", ["-p", inPath])
      writeFileSync(join(inPath, "ffmpeg"), `#!/bin/sh\nexec ${bundledFFmpeg} "$@"\n`)
      chmodSync(join(inPath, "ffmpeg"), 0o755)
      expect(yield* originWith(inPath)).toMatchObject({ path: join(inPath, "ffmpeg"), origin: "PATH" })
      expect(logged).toEqual([])
      expect(yield* originWith("/nowhere")).toMatchObject({ path: bundledFFmpeg, origin: "BUNDLED" })
      expect(logged.join()).toContain("security fixes")
    }))
})
