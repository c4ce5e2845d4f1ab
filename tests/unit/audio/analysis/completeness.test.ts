import { describe, expect, it } from "vitest"
import { allowedShortfallMs, refutesDeclaredDuration, strictness } from "../../../../src/audio/analysis/completeness.ts"

describe("how complete a recording is", () => {
  it.each(["mp3", "aac", "amr"] as const)("%s may have bytes between its frames that are none", (demuxer) => {
    expect(strictness(demuxer)).not.toContain("-xerror")
  })
  it.each(["flac", "wav", "mov", "ogg", "matroska", "aiff"] as const)("%s may not have a single bad packet", (demuxer) => {
    expect(strictness(demuxer)).toEqual(["-xerror"])
  })
  it.each([
    "[mp3 @ 0x55be98259b00] Estimating duration from bitrate, this may be inaccurate",
    "[mp3 @ 0x55be98259b00] invalid concatenated file detected - using bitrate for duration",
    "  Stream #0:1[0x2](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 320x240, 25 fps (default)"
  ])("a declared duration is no measure after “%s”", (line) => {
    expect(refutesDeclaredDuration(line)).toBe(true)
  })
  it.each([
    "  Stream #0:1: Video: mjpeg (Baseline), yuvj420p, 600x600, 90k tbr (attached pic)",
    "  Stream #0:0: Audio: mp3, 44100 Hz, stereo, fltp, 192 kb/s",
    "[mp3 @ 0x55cc7f95db00] filesize and duration do not match (growing file?)"
  ])("a declared duration stays one after “%s”", (line) => {
    expect(refutesDeclaredDuration(line)).toBe(false)
  })
  it("a hundredth may be missing, but no more than a second, and always what encoders pad", () => {
    expect([200, 60_000, 3_600_000].map(allowedShortfallMs)).toEqual([250, 600, 1000])
  })
})
