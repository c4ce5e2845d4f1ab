import { describe, expect, it } from "vitest"
import { lastCause } from "../../../../src/audio/ffmpeg/failureMessage.ts"

describe("what ffmpeg complained of", () => {
  it("is the line with the cause, not the sums that follow it", () => {
    const stderr = `[flac @ 0x5600c6abb0c0] invalid sync code
[aost#0:0/pcm_s16le @ 0x55fd57c7a040] Could not open encoder before EOF
[aost#0:0/pcm_s16le @ 0x55fd57c7a040] Task finished with error code: -22 (Invalid argument)
[out#0/null @ 0x55fd57c79600] Nothing was written into output file, because at least one of its streams received no packets.
size=       0KiB time=N/A bitrate=N/A speed=N/A
Conversion failed!
`
    expect(lastCause(stderr, [])).toBe("invalid sync code")
  })

  it("names no path of the server, with or without spaces", () => {
    const path = "/srv/play head/data/blobs/ab/abcdef"
    expect(lastCause(`file:${path}: Permission denied\n`, [`file:${path}`, path])).toBe("the file: Permission denied")
    expect(lastCause("[in#0 @ 0x55] Error opening /var/lib/secret/x.wav: No such file or directory\n", [])).toBe("Error opening the file: No such file or directory")
  })

  it("is nothing when ffmpeg said nothing", () => {
    expect(lastCause("\n", [])).toBeUndefined()
  })
})
