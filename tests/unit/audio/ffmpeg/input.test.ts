import { describe, expect, it } from "vitest"
import { areInputsGuarded, generated, input, pcmInput } from "../../../../src/audio/ffmpeg/input.ts"

describe("the inputs of ffmpeg", () => {
  it("name the demuxer and a local file, so that neither the content nor the name of a file opens anything else", () => {
    expect(input("/data/http://x", "mp3")).toEqual(["-protocol_whitelist", "file,pipe", "-f", "mp3", "-i", "file:/data/http://x"])
  })

  it("are refused when only one of several is guarded", () => {
    const guarded = [...input("/a", "mp3"), ...pcmInput("/b", "f32le", 44_100, 2), ...generated("anullsrc")]
    expect(areInputsGuarded([...guarded, "-f", "null", "-"])).toBe(true)
    expect(areInputsGuarded([...guarded, "-i", "/c"])).toBe(false)
    expect(areInputsGuarded(["-protocol_whitelist", "file,pipe,http", "-i", "/c"])).toBe(false)
  })
})
