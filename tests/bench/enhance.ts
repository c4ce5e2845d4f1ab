/**
 * What enhancement does to real recordings: how much noise it takes from speech, what it leaves of clean speech and music,
 * how exactly it meets its target, and how long it takes. docs/enhancement.md explains the tables.
 *
 *     node tests/bench/enhance.ts [FOLDER...] [--tables noise,recordings,time] [--minutes 10] [--ffmpeg PATH]
 *
 * Audio below the folders (WAV, Ogg, MP3, FLAC) is measured besides the test fixtures.
 */
import { execFileSync } from "node:child_process"
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { parseArgs } from "node:util"
import { Effect } from "effect"
import type { AudioFile } from "../../src/audio/enhance/AudioFile.ts"
import { denoiseBasic, denoiseMedium, type DenoiseRequest } from "../../src/audio/enhance/denoise.ts"
import { inspect, type Inspection } from "../../src/audio/enhance/inspect.ts"
import { measure } from "../../src/audio/enhance/measure.ts"
import { normalize } from "../../src/audio/enhance/normalize.ts"
import { unsuitableForRnnoise } from "../../src/audio/enhance/thresholds.ts"
import { FFmpeg } from "../../src/audio/FFmpeg.ts"
import { probe } from "../../src/audio/probe.ts"
import { sniffFile } from "../../src/audio/sniff.ts"
import { bundledFFmpeg, songA, songB, speech } from "../support/audio.ts"
import { noiseRateHz, noises } from "../support/noises.ts"
import { decoded, mixed, siSdrDb, writtenWav } from "../support/signals.ts"
import { untrainedRnnoise } from "./enhance/untrainedRnnoise.ts"
import { spread, surroundings } from "./support/figures.ts"

const { positionals, values } = parseArgs({ allowPositionals: true, options: { tables: { type: "string", default: "noise,recordings,time" }, minutes: { type: "string", default: "10" }, ffmpeg: { type: "string", default: bundledFFmpeg } } })
const tables = new Set(values.tables.split(","))
const work = mkdtempSync(join(tmpdir(), "enhance-bench-"))
const target = { targetLufs: -16, truePeakDbtp: -1.5 }
const run = <A, E>(effect: Effect.Effect<A, E, FFmpeg>) =>
  Effect.runPromise(Effect.provide(effect, FFmpeg.layer({ path: values.ffmpeg, timeoutMs: 3_600_000, maxProcesses: 1 })))
const ffmpeg = (...args: ReadonlyArray<string>) => execFileSync(values.ffmpeg, ["-v", "error", "-nostdin", "-y", ...args], { maxBuffer: 64 << 20 })
const fixed = (value: number | null | undefined, digits = 1) => (value === null || value === undefined ? "–" : value.toFixed(digits))
const row = (...cells: ReadonlyArray<string>) => console.log(`| ${cells.join(" | ")} |`)
const head = (...cells: ReadonlyArray<string>) => {
  console.log("")
  row(...cells)
  row(...cells.map(() => "---"))
}

const open = (path: string): Promise<{ readonly file: AudioFile; readonly durationMs: number }> =>
  run(Effect.gen(function* () {
    const format = yield* sniffFile(path)
    const { channels, durationMs, sampleRateHz } = yield* probe(path, format)
    return { file: { path, demuxer: format.demuxer, sampleRateHz, channels }, durationMs: durationMs ?? 0 }
  }))
const look = async (path: string): Promise<DenoiseRequest> => {
  const { durationMs, file } = await open(path)
  return { file, inspection: await run(inspect({ ...file, durationMs })), directory: mkdtempSync(join(work, "w-")), onProgress: () => {} }
}
const suited = (inspection: Inspection) => (unsuitableForRnnoise(inspection) === undefined ? denoiseMedium : denoiseBasic)
/** As a job does it, with the tier that suits. */
const enhance = async (path: string) => {
  const request = await look(path)
  const cleaned = await run(suited(request.inspection)(request))
  const { passes, path: made } = await run(normalize({ ...request.file, ...cleaned, target, directory: request.directory, onProgress: () => {} }))
  const measured = await run(measure({ ...request.file, path: made, demuxer: "flac" }, () => {}))
  rmSync(request.directory, { recursive: true })
  return { ...request, measured, passes, tier: suited(request.inspection) === denoiseMedium ? "MEDIUM" : "BASIC" }
}

console.log(surroundings())
const folders = positionals.flatMap((folder) => globSync(`${folder}/**/*.{wav,ogg,mp3,flac}`)).toSorted()

const seconds = 25
const voice = (await decoded(speech, noiseRateHz)).subarray(0, seconds * noiseRateHz)

const noiseTable = async () => {
  console.log("\n## Noise taken from speech, SI-SDR gain in dB, and what the thresholds see")
  head("noise", "at, dB", "found, dB", "BASIC", "floor lower by", "voice lower by", "MEDIUM", "floor lower by", "voice lower by")
  for (const [name, make] of Object.entries(noises)) {
    const noise = await make(seconds)
    for (const snrDb of [5, 15]) {
      const { clean, noisy } = mixed(voice, noise, snrDb)
      const request = await look(await writtenWav(`bench ${name} ${snrDb}.wav`, noisy, noiseRateHz))
      const { inspection } = request
      const cells = async (rung: typeof denoiseBasic | typeof denoiseMedium) => {
        const result = await run(Effect.result(rung(request)))
        if (result._tag === "Failure") return ["QualityThresholdError" === result.failure._tag ? `refused: ${result.failure.metric} ${fixed(result.failure.score)}` : result.failure.message, "", ""]
        const { gainDb, noise: after, path } = result.success
        return [
          `+${fixed(siSdrDb(clean, await decoded(path, noiseRateHz)) - snrDb)}`,
          fixed((inspection.floorDbfs ?? 0) - ((after.floorDbfs ?? 0) - gainDb)),
          fixed((inspection.floorDbfs ?? 0) + (inspection.snrDb ?? 0) - ((after.floorDbfs ?? 0) + (after.snrDb ?? 0) - gainDb))
        ]
      }
      row(name, String(snrDb), `${fixed(inspection.snrDb)}${inspection.isSpeech ? "" : " (not speech)"}${inspection.hum === undefined ? "" : " (without the hum)"}`, ...await cells(denoiseBasic), ...await cells(denoiseMedium))
    }
  }
}

const recordingsTable = async () => {
  console.log("\n## Recordings as they are: what they are taken for, what denoising leaves, how the target is met")
  head("recording", "s", "Hz", "channels", "speech", "SNR, dB", "tier", "kept of it (SI-SDR), dB", "loudness error, LU", "true peak, dBTP", "passes", "duration, ms")
  const variants: ReadonlyArray<readonly [name: string, ...args: ReadonlyArray<string>]> = [
    ["1 s of music.wav", "-t", "1", "-i", songA],
    ["5.1 music.wav", "-t", "20", "-i", songB, "-af", "pan=5.1|FL=FL|FR=FR|FC=0.5*FL+0.5*FR|LFE=0.2*FL|BL=0.4*FL|BR=0.4*FR"],
    ["192 kHz music.wav", "-t", "10", "-i", songA, "-ar", "192000"],
    ["mono music.wav", "-t", "30", "-i", songB, "-ac", "1"],
    ["quiet speech.wav", "-i", speech, "-af", "volume=-30dB", "-c:a", "pcm_f32le"],
    ["loud music.wav", "-t", "30", "-i", songA, "-af", "volume=12dB,alimiter=level=disabled"],
    ["30 minutes of speech.mp3", "-stream_loop", "-1", "-i", speech, "-t", "1800", "-b:a", "64k"]
  ]
  const made = variants.map(([name, ...args]) => {
    ffmpeg(...args, join(work, name))
    return join(work, name)
  })
  const errors: Array<number> = []
  let highest = -Infinity
  for (const path of [speech, songA, songB, ...made, ...folders]) {
    const result = await enhance(path).catch((cause: unknown) => String(cause))
    if (typeof result === "string") {
      row(basename(path), result)
      continue
    }
    const { file, inspection, measured, passes, tier } = result
    const { integratedLufs, truePeakDbtp } = measured.loudness
    const isLong = inspection.durationMs > 300_000
    const directory = mkdtempSync(join(work, "w-"))
    const basic = isLong ? undefined : await run(denoiseBasic({ file, inspection, directory, onProgress: () => {} }))
    const kept = basic === undefined ? undefined : siSdrDb(await decoded(path, file.sampleRateHz, file.channels), await decoded(basic.path, file.sampleRateHz, file.channels))
    rmSync(directory, { recursive: true })
    errors.push(integratedLufs - target.targetLufs)
    highest = Math.max(highest, truePeakDbtp)
    row(
      basename(path), fixed(inspection.durationMs / 1000), String(file.sampleRateHz), String(file.channels), inspection.isSpeech ? "yes" : "no", fixed(inspection.snrDb), tier,
      fixed(kept), fixed(integratedLufs - target.targetLufs, 2), fixed(truePeakDbtp, 2), String(passes), String(measured.durationMs - inspection.durationMs)
    )
  }
  console.log(`\n${errors.length} recordings: loudness error ${Math.min(...errors).toFixed(2)} to ${Math.max(...errors).toFixed(2)} LU; highest true peak ${highest.toFixed(2)} dBTP for a ceiling of ${target.truePeakDbtp}`)
}

/** Of this process and of all its children that have ended: Linux counts them in ticks of 10 ms. */
const processorSeconds = (): number => {
  const stat = readFileSync("/proc/self/stat", "utf8")
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 15).reduce((sum, ticks) => sum + Number(ticks) / 100, 0)
}

interface Spent {
  readonly wall: number
  readonly processor: number
}

const timeTable = async () => {
  console.log(`\n## Time for ${values.minutes} minutes, in seconds: median (least – most) of 3`)
  const duration = String(Number(values.minutes) * 60)
  const longMusic = join(work, "music.mp3")
  ffmpeg("-stream_loop", "-1", "-i", songA, "-t", duration, "-b:a", "192k", longMusic)
  const longSpeech = async (snrDb: number) => {
    const path = join(work, `speech at ${snrDb} dB.wav`)
    const { noisy } = mixed(voice, await noises["white hiss"](seconds), snrDb)
    ffmpeg("-stream_loop", "-1", "-i", await writtenWav(`bench at ${snrDb}.wav`, noisy, noiseRateHz), "-t", duration, path)
    return path
  }
  /** By hand, with what ffmpeg brings: a denoiser, and two passes, because loudnorm is exact only when it is told what the first has measured. */
  const bare = (path: string, denoiser: string) => {
    const chain = `${denoiser},highpass=f=20,deesser=i=0.2`
    const loudnorm = `loudnorm=I=${target.targetLufs}:TP=${target.truePeakDbtp}:LRA=20`
    const printed = execFileSync("/bin/sh", ["-c", '"$0" -nostdin -hide_banner -i "$1" -af "$2" -f null - 2>&1', values.ffmpeg, path, `${chain},${loudnorm}:print_format=json`], { encoding: "utf8", maxBuffer: 64 << 20 })
    const found = JSON.parse(printed.slice(printed.lastIndexOf("{"), printed.lastIndexOf("}") + 1)) as Record<string, string>
    const told = `measured_I=${found["input_i"]}:measured_TP=${found["input_tp"]}:measured_LRA=${found["input_lra"]}:measured_thresh=${found["input_thresh"]}:offset=${found["target_offset"]}:linear=true`
    ffmpeg("-i", path, "-af", `${chain},${loudnorm}:${told},aformat=sample_rates=44100`, "-c:a", "flac", join(work, "bare.flac"))
  }
  const timed = async (work: () => unknown): Promise<Spent> => {
    const [begun, spent] = [performance.now(), processorSeconds()]
    await work()
    return { wall: (performance.now() - begun) / 1000, processor: processorSeconds() - spent }
  }
  head("recording", "tier", "ffmpeg alone denoises with", "ffmpeg alone", "all stages", "ratio", "processor: ffmpeg alone", "all stages", "ratio")
  const afftdn = "afftdn=nr=12:nf=-50"
  const network = join(work, "untrained.rnnn")
  writeFileSync(network, untrainedRnnoise())
  const noisySpeech = await longSpeech(5)
  for (const [path, denoiser] of [[longMusic, afftdn], [await longSpeech(20), afftdn], [noisySpeech, `arnndn=m=${network}`], [noisySpeech, afftdn]] as const) {
    const rounds: Array<{ readonly theirs: Spent; readonly ours: Spent }> = []
    let tier = ""
    for (let round = 0; round < 3; round++) {
      const theirs = await timed(() => bare(path, denoiser))
      const ours = await timed(async () => ({ tier } = await enhance(path)))
      rounds.push({ theirs, ours })
    }
    const columns = (["wall", "processor"] as const).flatMap((what) => [
      spread(rounds.map(({ theirs }) => theirs[what]), 1), spread(rounds.map(({ ours }) => ours[what]), 1), spread(rounds.map(({ ours, theirs }) => ours[what] / theirs[what]), 2)
    ])
    row(basename(path), tier, denoiser.slice(0, denoiser.indexOf("=")), ...columns)
  }
}

if (tables.has("noise")) await noiseTable()
if (tables.has("recordings")) await recordingsTable()
if (tables.has("time")) await timeTable()
rmSync(work, { recursive: true })
