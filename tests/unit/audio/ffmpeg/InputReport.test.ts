import { describe, expect, it } from "vitest"
import { InputReport } from "../../../../src/audio/ffmpeg/InputReport.ts"

const reportOf = (text: string) => {
  const report = new InputReport()
  for (const line of text.split("\n")) report.push(line)
  return report
}
const samples = "[Parsed_ashowinfo_0 @ 0x7fc1] n:0 pts:0 pts_time:0 fmt:fltp channels:6 chlayout:5.1(side) rate:48000 nb_samples:1024"

describe("ffmpeg's report of an input", () => {
  it("gives codec, samples, duration and bit rate of the first audio stream", () => {
    const report = reportOf(`Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:x':
  Duration: 01:02:03.45, start: 0.000000, bitrate: 151 kb/s
  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 320x240, 61 kb/s, 25 fps
  Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, 5.1(side), fltp, 70 kb/s (default)
  Stream #0:2[0x3](und): Audio: ac3, 44100 Hz, stereo, fltp, 192 kb/s
${samples}`)
    expect(report).toMatchObject({ codec: "aac", samples: { rateHz: 48_000, channels: 6 }, durationMs: 3_723_450, bitrateBps: 70_000, isWithoutAudio: false })
  })

  it("takes the bit rate of the file where the stream has none, unless a picture is in it", () => {
    const flac = "Input #0, flac, from 'file:x':\n  Duration: 00:00:03.00, start: 0.000000, bitrate: 900 kb/s\n  Stream #0:0: Audio: flac, 44100 Hz, mono, s16"
    expect(reportOf(flac).bitrateBps).toBe(900_000)
    expect(reportOf(`${flac}\n  Stream #0:1: Video: png, rgb24, 64x64 (attached pic)`).bitrateBps).toBeNull()
  })

  it("believes no tag that looks like a header", () => {
    const report = reportOf(`Input #0, mp3, from 'file:x':
  Metadata:
    title           : Duration: 99:00:00.00, bitrate: 1 kb/s
                    : Stream #0:0: Audio: opus, 8000 Hz, mono
    Stream #0:0: Audio: opus, 8000 Hz: x
    Duration: 77:00:00.00: x
  Duration: 00:00:05.00, start: 0.0, bitrate: 64 kb/s
  Stream #0:0: Audio: mp3 (mp3float), 44100 Hz, mono, fltp, 64 kb/s`)
    expect(report).toMatchObject({ codec: "mp3", durationMs: 5_000, bitrateBps: 64_000 })
  })

  it("knows a film without sound from a header that could not be read", () => {
    expect(reportOf("Input #0, matroska,webm, from 'file:x':\n  Stream #0:0: Video: vp9, yuv420p").isWithoutAudio).toBe(true)
    expect(reportOf("[wav @ 0x55] invalid header").isWithoutAudio).toBe(false)
  })
})
