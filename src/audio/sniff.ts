/** What a file is, by its content and never by its name: a playlist called `.mp3` would have ffmpeg open what it lists. */
import { isUtf8 } from "node:buffer"
import { open } from "node:fs/promises"
import { Effect } from "effect"
import { fileTypeFromBuffer } from "file-type"
import { type StorageError, UnsupportedMediaError } from "../domain/errors.ts"
import { storing } from "../domain/storageFailure.ts"
import { adts, type AudioFormat, formatsByExtension, mp3, supportedContainers, wav, wave64 } from "./formats.ts"
import { adtsFrameLength, hasFrameChain, mpegFrameLength } from "./frames.ts"

const headBytes = 64 * 1024
/** How much of the head must be text for the whole to count as text. */
const sampleBytes = 4096

/** Text that programs follow or show; what it is tells the person who sent it what went wrong. */
const texts: ReadonlyArray<readonly [pattern: RegExp, name: string]> = [
  [/^#EXTM3U/i, "a playlist (M3U or HLS)"],
  [/^\[playlist\]/i, "a playlist (PLS)"],
  [/^ffconcat version/i, "a playlist (ffconcat)"],
  [/^<\?xml[^>]*>\s*<playlist|^<playlist/i, "a playlist (XSPF)"],
  [/^<asx/i, "a playlist (ASX)"],
  [/^(REM |PERFORMER |TITLE |FILE ")/, "a cue sheet"],
  [/^<!doctype html|^<html/i, "a web page"],
  [/^(<\?xml[^>]*>\s*)?<svg/i, "an SVG picture"],
  [/^v=0\r?\no=/, "a session description (SDP)"]
]

const startsWith = (bytes: Uint8Array, ascii: string, at = 0): boolean => Buffer.from(bytes.subarray(at, at + ascii.length)).toString("latin1") === ascii

const textIn = (head: Uint8Array): string | undefined => {
  const sample = head.subarray(0, sampleBytes)
  // The sample's end may cut a character in two; a file's end does not.
  const cuts = sample.length === sampleBytes ? [0, 1, 2, 3] : [0]
  if (sample.includes(0) || !cuts.some((cut) => isUtf8(sample.subarray(0, sample.length - cut)))) return undefined
  const text = Buffer.from(sample).toString("utf8").replace(/^\uFEFF/, "").trimStart()
  const named = texts.find(([pattern]) => pattern.test(text))
  return named === undefined ? "text" : named[1]
}

/** Where the content begins behind an ID3v2 tag (id3.org, ID3v2.4.0, 3.1); 0 when there is none. */
export const id3Length = (head: Uint8Array): number => {
  if (!startsWith(head, "ID3") || head.length < 10) return 0
  const [a = 0, b = 0, c = 0, d = 0] = head.subarray(6, 10)
  const footer = ((head[5] ?? 0) & 0x10) === 0 ? 0 : 10
  return 10 + footer + (((a & 0x7f) << 21) | ((b & 0x7f) << 14) | ((c & 0x7f) << 7) | (d & 0x7f))
}

export type Sniffed = { readonly _tag: "Audio"; readonly format: AudioFormat } | { readonly _tag: "Other"; readonly detected: string | null }

const audio = (format: AudioFormat): Sniffed => ({ _tag: "Audio", format })

/** Tells the format from the first 64 KiB behind any ID3v2 tag. */
export const sniff = async (head: Uint8Array): Promise<Sniffed> => {
  if (head.length === 0) return { _tag: "Other", detected: "an empty file" }
  const text = textIn(head)
  if (text !== undefined) return { _tag: "Other", detected: text }
  if (["RIFF", "RF64", "BW64", "RIFX"].some((name) => startsWith(head, name)) && startsWith(head, "WAVE", 8)) return audio(wav)
  if (startsWith(head, "riff\u002e\u0091\u00cf\u0011")) return audio(wave64)
  const type = await fileTypeFromBuffer(head)
  const known = type === undefined ? undefined : formatsByExtension[type.ext]
  if (known !== undefined && known !== mp3 && known !== adts) return audio(known)
  const isNamedOtherwise = type !== undefined && !["audio/mpeg", "audio/aac"].includes(type.mime)
  if (isNamedOtherwise) return { _tag: "Other", detected: type.mime }
  // A stray sync word makes a detector say "MP3" of random bytes.
  if (hasFrameChain(head, mpegFrameLength)) return audio(mp3)
  if (hasFrameChain(head, adtsFrameLength)) return audio(adts)
  return { _tag: "Other", detected: null }
}

export const unsupported = (detected: string | null): UnsupportedMediaError =>
  new UnsupportedMediaError({
    message: `${detected === null ? "The content is no audio that is known here" : `This is ${detected}, not audio`}. Send one of ${supportedContainers.join(", ")}.`,
    detected,
    supported: supportedContainers
  })

/** Programs that only ever prepend leave several. */
const maxTags = 8

/** The first 64 KiB behind the ID3v2 tags, which covers make larger than any head. */
const readHead = async (path: string): Promise<Uint8Array> => {
  const file = await open(path, "r")
  try {
    const buffer = Buffer.alloc(headBytes)
    let at = 0
    for (let tags = 0; tags <= maxTags; tags++) {
      const { bytesRead } = await file.read(buffer, 0, headBytes, at)
      const head = buffer.subarray(0, bytesRead)
      const behindTag = id3Length(head)
      if (behindTag === 0) return head
      at += behindTag
    }
    return Buffer.alloc(0)
  } finally {
    await file.close()
  }
}

/** The format of a file, or an UnsupportedMediaError that says what it is instead. */
export const sniffFile = Effect.fn("audio.sniffFile")(function* (path: string): Effect.fn.Return<AudioFormat, UnsupportedMediaError | StorageError> {
  const head = yield* storing("The file could not be read", () => readHead(path))
  const sniffed = yield* Effect.promise(() => sniff(head))
  return sniffed._tag === "Audio" ? sniffed.format : yield* unsupported(sniffed.detected)
})
