/**
 * What the analysis of an import costs beside decoding: wall time over that of a bare `ffmpeg` decode of the same file
 * (runs alternate, medians), memory against length, and how long the event loop is held up.
 *
 *     node tests/bench/analysis.ts SONG.mp3 [--runs 7] [--ffmpeg PATH]
 */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { parseArgs } from "node:util"
import { Effect } from "effect"
import { analyze } from "../../src/audio/analysis/analyze.ts"
import { FFmpeg } from "../../src/audio/FFmpeg.ts"
import { mp3 } from "../../src/audio/formats.ts"
import { probe } from "../../src/audio/probe.ts"
import { ResourceLimitError } from "../../src/domain/errors.ts"
import { bundledFFmpeg } from "../support/audio.ts"

const { values, positionals: [song] } = parseArgs({
  allowPositionals: true,
  options: { ffmpeg: { type: "string", default: bundledFFmpeg }, runs: { type: "string", default: "7" } }
})
if (song === undefined) throw new Error("usage: node tests/bench/analysis.ts SONG.mp3 [--runs 7] [--ffmpeg PATH]")
const runs = Number(values.runs)
const median = (numbers: ReadonlyArray<number>) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN

const analysis = Effect.fnUntraced(function*(path: string) {
  const { sampleRateHz, channels, durationMs } = yield* probe(path, mp3)
  return yield* analyze({
    path, demuxer: mp3.demuxer, sampleRateHz, channels, declaredDurationMs: durationMs, maxDurationMs: 14_400_000,
    tooLong: () => new ResourceLimitError({ message: "too long", resource: "durationMinutes", limit: 240 }), onProgress: () => {}
  })
})

const timed = Effect.fnUntraced(function*<A, E, R>(work: Effect.Effect<A, E, R>) {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const [started, cpu] = [performance.now(), process.cpuUsage()]
  yield* work
  const { user, system } = process.cpuUsage(cpu)
  delay.disable()
  return { wallMs: performance.now() - started, cpuMs: (user + system) / 1000, delayP99Ms: delay.percentile(99) / 1e6, delayMaxMs: delay.max / 1e6 }
})

const main = Effect.gen(function*() {
  const { program } = yield* FFmpeg
  const bare: Array<number> = []
  const ours: Array<Effect.Success<ReturnType<typeof timed>>> = []
  for (let run = 0; run <= runs; run++) {
    const started = performance.now()
    spawnSync(program.path, ["-nostdin", "-v", "error", "-i", song, "-f", "null", "-"])
    const wallMs = performance.now() - started
    const measured = yield* timed(analysis(song))
    // The first run warms caches and compilers.
    if (run > 0) bare.push(wallMs)
    if (run > 0) ours.push(measured)
  }
  const rssMb = () => Math.round(process.memoryUsage.rss() / 1e6)
  const afterShort = rssMb()
  const directory = mkdtempSync(join(tmpdir(), "bench-"))
  writeFileSync(join(directory, "list"), `file '${song}'\n`.repeat(6))
  execFileSync(program.path, ["-v", "error", "-nostdin", "-f", "concat", "-safe", "0", "-i", join(directory, "list"), "-c", "copy", join(directory, "long.mp3")])
  let most = 0
  const watch = setInterval(() => { most = Math.max(most, rssMb()) }, 50)
  const { durationMs } = yield* analysis(join(directory, "long.mp3"))
  clearInterval(watch)
  rmSync(directory, { recursive: true })

  console.log(`ffmpeg ${program.version}, node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}, median of ${runs}\n`)
  console.log("| | wall ms | over bare | this process's CPU ms | event loop held up, p99 ms | longest ms |\n|---|---|---|---|---|---|")
  console.log(`| bare decode | ${median(bare).toFixed(0)} | 1 | | | |`)
  const column = (key: keyof (typeof ours)[number]) => median(ours.map((run) => run[key]))
  const ratio = median(ours.map((run, index) => run.wallMs / (bare[index] ?? 1)))
  console.log(`| analysis | ${column("wallMs").toFixed(0)} | ${ratio.toFixed(2)} | ${column("cpuMs").toFixed(0)} | ${column("delayP99Ms").toFixed(1)} | ${column("delayMaxMs").toFixed(1)} |`)
  console.log(`\nresident after the short file ${afterShort} MB, most during one of ${Math.round(durationMs / 60_000)} minutes ${most} MB`)
})

await Effect.runPromise(main.pipe(Effect.provide(FFmpeg.layer({ path: values.ffmpeg, timeoutMs: 600_000, maxProcesses: 1 }))))
