import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { id3Length, sniff } from "../../../src/audio/sniff.ts"
import { id3Tag } from "../../support/audio.ts"

const detected = async (content: string | Uint8Array) => {
  const sniffed = await sniff(typeof content === "string" ? Buffer.from(content) : content)
  return sniffed._tag === "Other" ? (sniffed.detected ?? "unknown") : `accepted as ${sniffed.format.container}`
}

/** An MPEG-1 layer III frame of 128 kbit/s at 44.1 kHz: 417 bytes. */
const frame = Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x64]), Buffer.alloc(413, 0x55)])
const frames = (count: number) => Buffer.concat(Array.from({ length: count }, () => frame))

describe("content that is no audio", () => {
  it.each([
    ["#EXTM3U\n#EXTINF:10,\nhttp://169.254.169.254/", "a playlist (M3U or HLS)"],
    ["\uFEFF  \n#extm3u\nfile:///etc/passwd", "a playlist (M3U or HLS)"],
    ["[playlist]\nFile1=http://127.0.0.1/", "a playlist (PLS)"],
    ["ffconcat version 1.0\nfile /etc/passwd", "a playlist (ffconcat)"],
    ["<?xml version=\"1.0\"?>\n<playlist xmlns=\"http://xspf.org/ns/0/\">", "a playlist (XSPF)"],
    ["<ASX version=\"3.0\">", "a playlist (ASX)"],
    ["REM GENRE Rock\nFILE \"a.wav\" WAVE\n", "a cue sheet"],
    ["<!DOCTYPE html><html>", "a web page"],
    ["<svg xmlns=\"http://www.w3.org/2000/svg\"/>", "an SVG picture"],
    ["Grüße aus dem Textverarbeiter, ohne jeden Ton.", "text"],
    ["", "an empty file"],
    [Buffer.from("%PDF-1.7\n%\0\0"), "application/pdf"],
    [Buffer.concat([Buffer.from("PK\u0003\u0004\u0014\0\0\0", "latin1"), Buffer.alloc(100)]), "application/zip"],
    [Buffer.concat([Buffer.from("\u007fELF\u0002\u0001\u0001", "latin1"), Buffer.alloc(100)]), "application/x-elf"],
    [Buffer.from("ffd8ffe000104a46494600010100", "hex"), "image/jpeg"]
  ])("is called by its name: %s", async (content, name) => expect(await detected(content)).toBe(name))

  it("is not taken for MP3 for a stray sync word, nor for one whole frame among rubbish", async () => {
    expect(await detected(Buffer.from([0xff, 0xfb, 0x90, 0x64]))).toBe("unknown")
    expect(await detected(Buffer.concat([frame, Buffer.alloc(2_000, 0x55)]))).toBe("unknown")
    expect(await detected(Buffer.concat([frames(3), Buffer.alloc(2_000, 0x55)]))).toBe("unknown")
  })

  it("is never accepted, nor the end of sniffing, when it is random", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 65_536 }), async (bytes) => {
        // Fourteen random bits may be the signature of something; only audio without a signature can be found by chance.
        expect(await detected(bytes)).not.toMatch(/^accepted as (?:MP3|AAC)/u)
      }),
      { numRuns: 200 }
    )
  })
})

describe("MPEG audio", () => {
  it("is known by frames that follow each other, also behind rubbish", async () => {
    expect(await detected(frames(4))).toBe("accepted as MP3")
    expect(await detected(Buffer.concat([Buffer.alloc(1_000, 0x55), frames(4)]))).toBe("accepted as MP3")
  })

  it("may be as short as two frames and a tag", async () => {
    expect(await detected(frames(2))).toBe("accepted as MP3")
    expect(await detected(Buffer.concat([frames(2), Buffer.from("TAG"), Buffer.alloc(125)]))).toBe("accepted as MP3")
    expect(await detected(frames(1))).toBe("unknown")
  })
})

describe("an ID3v2 tag", () => {
  it("is as long as its header says", () => {
    const tag = id3Tag({ TIT2: "x".repeat(100_000) }, 50)
    expect(id3Length(tag)).toBe(tag.length)
    expect(id3Length(Buffer.from("ID3"))).toBe(0)
    expect(id3Length(frames(1))).toBe(0)
  })
})
