/**
 * How far apart equal and different recordings are: makes re-encodings and cuts of every audio file below the folders
 * given, fingerprints all, and prints what they share. docs/fingerprints.md explains the table.
 *
 *     node tests/bench/fingerprints.ts FOLDER... [--ffmpeg PATH]
 */
import { execFileSync } from "node:child_process"
import { globSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { parseArgs } from "node:util"
import { compare } from "../../src/audio/fingerprint/similarity.ts"
import { queryTerms, terms } from "../../src/audio/fingerprint/terms.ts"
import { bundledFFmpeg } from "../support/audio.ts"

const { values, positionals } = parseArgs({ allowPositionals: true, options: { ffmpeg: { type: "string", default: bundledFFmpeg } } })
const work = mkdtempSync(join(tmpdir(), "fingerprints-"))
const secondsPerHash = 0.1238
const longestSeconds = 300

const ffmpeg = (...args: ReadonlyArray<string>) => execFileSync(values.ffmpeg, ["-v", "error", "-nostdin", "-y", ...args], { maxBuffer: 64 << 20 })
const fingerprint = (...input: ReadonlyArray<string>) =>
  new Int32Array(new Uint8Array(ffmpeg(...input, "-map", "0:a:0", "-ac", "2", "-f", "chromaprint", "-fp_format", "raw", "-")).buffer)

const encodings = {
  "MP3 96 kbit/s": ["96.mp3", "-b:a", "96k"],
  "Ogg Vorbis 96 kbit/s": ["96.ogg", "-b:a", "96k"],
  "AAC 96 kbit/s": ["96.m4a", "-b:a", "96k"],
  "MP3 48 kbit/s, mono, −12 dB": ["48.mp3", "-af", "volume=-12dB", "-ac", "1", "-ar", "22050", "-b:a", "48k"]
} as const

interface Song {
  readonly name: string
  /** Stems and mix of one song, and only they, have the same. */
  readonly work: string
  readonly hashes: Int32Array
  readonly variants: ReadonlyMap<string, Int32Array>
}

const measure = (path: string): Song | undefined => {
  const wav = join(work, "song.wav")
  ffmpeg("-t", String(longestSeconds), "-i", path, "-map", "0:a:0", "-ac", "2", wav)
  const hashes = fingerprint("-i", wav)
  const seconds = hashes.length * secondsPerHash
  if (seconds < 20) return undefined
  const variants = new Map<string, Int32Array>()
  for (const [name, [file, ...options]] of Object.entries(encodings)) {
    ffmpeg("-i", wav, ...options, join(work, file))
    variants.set(name, fingerprint("-i", join(work, file)))
  }
  const lossy = join(work, "96.mp3")
  variants.set("MP3, first 10 s cut off", fingerprint("-ss", "10", "-i", lossy))
  variants.set("MP3, last 10 s cut off", fingerprint("-t", String(seconds - 10), "-i", lossy))
  for (const share of [0.15, 0.4, 0.7]) {
    const excerpt = ["-ss", String(Math.min(seconds * share, seconds - 10)), "-t", "10", "-i", wav]
    variants.set(`10 s from ${share * 100} %`, fingerprint(...excerpt))
    ffmpeg(...excerpt, "-b:a", "96k", join(work, "excerpt.mp3"))
    variants.set(`10 s from ${share * 100} %, MP3 96 kbit/s`, fingerprint("-i", join(work, "excerpt.mp3")))
  }
  return { name: `${basename(dirname(path))}/${basename(path)}`, work: dirname(path) + (/\/(song|guitar)\./u.test(path) ? "" : basename(path)), hashes, variants }
}

const shared = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  const known = new Set(terms(b))
  return queryTerms(a).filter((term) => known.has(term)).length
}
const percentile = (sorted: ReadonlyArray<number>, share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
const row = (name: string, similarities: ReadonlyArray<number>, terms: ReadonlyArray<number>) => {
  const [s, t] = [similarities.toSorted((a, b) => a - b), terms.toSorted((a, b) => a - b)]
  console.log(`| ${name} | ${s.length} | ${[0, 0.05, 0.5, 1].map((share) => percentile(s, share).toFixed(3)).join(" | ")} | ${[0, 0.05, 0.5, 1].map((share) => percentile(t, share)).join(" | ")} |`)
}

const files = positionals.flatMap((folder) => globSync(join(folder, "**/*.{ogg,oga,mp3,flac,wav,opus,m4a}"))).toSorted()
const songs = files.map(measure).filter((song) => song !== undefined)
rmSync(work, { recursive: true })

console.log(`${songs.length} recordings of ${files.length} files; ${songs.reduce((sum, song) => sum + terms(song.hashes).length, 0)} terms\n`)
console.log("| recording against | pairs | similarity: least | 5 % | median | most | terms shared: least | 5 % | median | most |\n|---|---|---|---|---|---|---|---|---|---|")
for (const variant of songs[0]?.variants.keys() ?? []) {
  const pairs = songs.map((song) => [song.hashes, song.variants.get(variant) ?? new Int32Array()] as const)
  row(variant, pairs.map(([whole, other]) => compare(whole, other)?.similarity ?? 0), pairs.map(([whole, other]) => shared(other, whole)))
}
for (const [name, sameWork, excerpt] of [["its own stem or mix", true, undefined], ["any other", false, undefined], ["10 s of any other", false, "10 s from 40 %"]] as const) {
  const pairs = songs.flatMap((a) => songs.filter((b) => a !== b && (a.work === b.work) === sameWork).map((b) => ({ a, b, other: (excerpt === undefined ? undefined : b.variants.get(excerpt)) ?? b.hashes })))
  const compared = pairs.map(({ a, b, other }) => ({ similarity: compare(a.hashes, other)?.similarity ?? 0, terms: shared(other, a.hashes), names: `${a.name} and ${b.name}` }))
  row(name, compared.map(({ similarity }) => similarity), compared.map(({ terms }) => terms))
  const nearest = compared.toSorted((a, b) => b.similarity - a.similarity)[0]
  const found = (least: number) => ((100 * compared.filter(({ terms }) => terms >= least).length) / Math.max(1, compared.length)).toFixed(2)
  console.log(`<!-- nearest: ${nearest?.names} ${nearest?.similarity.toFixed(3)}; sharing 1, 2, 3 terms: ${found(1)}, ${found(2)}, ${found(3)} % -->`)
}
