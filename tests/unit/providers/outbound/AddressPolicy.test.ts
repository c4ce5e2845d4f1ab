import { Result } from "effect"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import {
  addressKind,
  type AllowedSource,
  isPublicAddress,
  makeAddressPolicy,
  parseAllowedSource,
  sourceOf
} from "../../../../src/providers/outbound/AddressPolicy.ts"

const allow = (...entries: ReadonlyArray<string>): ReadonlyArray<AllowedSource> =>
  entries.map((entry) => Result.getOrThrow(parseAllowedSource(entry)))

/** Whether a URL whose host resolves to `address` (itself, for a literal) passes both checks. */
const passes = (url: string, address?: string, allowed: ReadonlyArray<AllowedSource> = []): boolean => {
  const policy = makeAddressPolicy(allowed)
  return Result.isSuccess(
    Result.flatMap(policy.admitUrl(url), (target) =>
      policy.admitAddress(target, target.literal ?? address ?? "93.184.216.34")
    )
  )
}

describe("an address of the public internet", () => {
  it.each(["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2a00:1450::1"])(
    "%s is reached",
    (address) => {
      expect(isPublicAddress(address)).toBe(true)
    }
  )
})

describe("an address that is not of the public internet is refused", () => {
  it.each([
    ["0.0.0.0", "unspecified"],
    ["0.1.2.3", "unspecified"],
    ["10.1.2.3", "private"],
    ["100.64.0.1", "carrierGradeNat"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["169.254.169.254", "linkLocal"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.0.0.8", "reserved"],
    ["192.0.2.1", "reserved"],
    ["192.168.1.1", "private"],
    ["198.18.0.1", "reserved"],
    ["198.51.100.1", "reserved"],
    ["203.0.113.1", "reserved"],
    ["224.0.0.1", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "broadcast"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["::ffff:a9fe:a9fe", "linkLocal"],
    ["::ffff:0:7f00:1", "rfc6145"],
    ["::7f00:1", "reserved"],
    ["64:ff9b::7f00:1", "loopback"],
    ["64:ff9b::a9fe:a9fe", "linkLocal"],
    ["64:ff9b:1::a00:1", "rfc6052"],
    ["100::1", "discard"],
    ["2001::1", "teredo"],
    ["2001:db8::1", "reserved"],
    ["2002:7f00:1::", "6to4"],
    ["4000::1", "reserved"],
    ["5f00::1", "segmentRouting"],
    ["fd00::8", "uniqueLocal"],
    ["fc00::1", "uniqueLocal"],
    ["fe80::1", "linkLocal"],
    ["fe80::1%eth0", "invalid"],
    ["fec0::1", "deprecatedSiteLocal"],
    ["ff02::1", "multicast"],
    ["not an address", "invalid"],
    ["", "invalid"]
  ])("%s is %s", (address, kind) => {
    expect(addressKind(address)).toBe(kind)
  })

  it("whatever IPv4 address it is, its forms within IPv6 are judged the same", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const [a, b, c, d] = address.split(".").map(Number) as [number, number, number, number]
        const hex = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
        const kind = addressKind(address)
        expect(addressKind(`::ffff:${address}`)).toBe(kind)
        expect(addressKind(`::ffff:${hex}`)).toBe(kind)
        expect(addressKind(`64:ff9b::${hex}`)).toBe(kind)
        expect(isPublicAddress(`2002:${hex}::1`)).toBe(false)
      })
    )
  })
})

describe("a URL", () => {
  it.each([
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://①②⑦.⓪.⓪.①/",
    "http://0/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[fe80::1%25eth0]/",
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://3232235777/"
  ])("with a private literal is refused in every notation: %s", (url) => {
    expect(passes(url)).toBe(false)
  })

  it("whatever IPv4 literal it has, is judged like the plain form in decimal, octal and hexadecimal", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const octets = address.split(".").map(Number)
        const value = octets.reduce((sum, octet) => sum * 256 + octet, 0)
        const expected = isPublicAddress(address)
        expect(passes(`http://${value}/`)).toBe(expected)
        expect(passes(`http://0x${value.toString(16)}/`)).toBe(expected)
        expect(passes(`http://${octets.map((octet) => `0${octet.toString(8)}`).join(".")}/`)).toBe(expected)
      })
    )
  })

  it.each([
    "ftp://example.com/a.mp3",
    "file:///etc/passwd",
    "gopher://example.com/",
    "data:audio/mpeg;base64,AAAA",
    "javascript:1",
    "song.mp3",
    ""
  ])("with another scheme, or none, is refused: %s", (url) => {
    expect(passes(url)).toBe(false)
  })

  it.each(["http://user@example.com/", "https://user:secret@example.com/a.mp3"])(
    "with credentials is refused: %s",
    (url) => {
      expect(passes(url)).toBe(false)
    }
  )

  it.each([22, 25, 6667, 10080])("with the port of another protocol is refused: %s", (port) => {
    expect(passes(`http://example.com:${port}/`)).toBe(false)
  })

  it("with a public name passes, in its own language too", () => {
    expect(passes("https://example.com/song.mp3")).toBe(true)
    expect(passes("https://bücher.example:8443/песня.mp3")).toBe(true)
  })

  it("with a name that leads inside is refused, without telling where it leads", () => {
    const policy = makeAddressPolicy([])
    const target = Result.getOrThrow(policy.admitUrl("http://internal.example/"))
    const refusal = Result.getOrThrow(Result.flip(policy.admitAddress(target, "10.20.30.40")))
    expect(refusal).toMatchObject({ _tag: "SourceBlockedError", host: "internal.example" })
    expect(refusal.message).not.toContain("10.20")
  })
})

describe("a source that the operator allows", () => {
  it("is reached on the port that is named, and on no other", () => {
    expect(passes("http://127.0.0.1:8080/", undefined, allow("127.0.0.1:8080"))).toBe(true)
    expect(passes("http://127.0.0.1:8081/", undefined, allow("127.0.0.1:8080"))).toBe(false)
    expect(passes("http://127.0.0.1/", undefined, allow("127.0.0.1:80"))).toBe(true)
    expect(passes("https://127.0.0.1/", undefined, allow("127.0.0.1:80"))).toBe(false)
  })

  it("is reached on every port when none is named", () => {
    expect(passes("http://nas.local:8080/", "192.168.1.9", allow("nas.local"))).toBe(true)
    expect(passes("https://NAS.local./", "fd00::9", allow("nas.local"))).toBe(true)
    expect(passes("http://[::1]:9000/", undefined, allow("::1"))).toBe(true)
    expect(passes("http://[::1]:9000/", undefined, allow("[::1]:9000"))).toBe(true)
  })

  it("opens no door for other hosts at the same address", () => {
    expect(passes("http://evil.example/", "192.168.1.9", allow("nas.local"))).toBe(false)
  })

  it("cannot lead to the metadata address by its name, only by the address itself", () => {
    expect(passes("http://nas.local/", "169.254.169.254", allow("nas.local"))).toBe(false)
    expect(passes("http://169.254.169.254/", undefined, allow("169.254.169.254"))).toBe(true)
  })

  it("may use a port of another protocol only when that port is named", () => {
    expect(passes("http://nas.local:6000/", "192.168.1.9", allow("nas.local"))).toBe(false)
    expect(passes("http://nas.local:6000/", "192.168.1.9", allow("nas.local:6000"))).toBe(true)
  })

  it.each(["http://nas.local", "nas.local/", "user@nas.local", "nas local", "nas.local:99999", "", " nas.local"])(
    "must be written as host or host:port: %s",
    (entry) => {
      expect(Result.isFailure(parseAllowedSource(entry))).toBe(true)
    }
  )
})

describe("an address that the operator names", () => {
  it.each([
    ["http://[::1]:8080/base", "::1", 8080],
    ["https://[fd00:0:0::7]/", "fd00::7", 443],
    ["http://nas.local./itunes", "nas.local", 80],
    ["https://itunes.apple.com", "itunes.apple.com", 443],
    ["http://0x7f000001/", "127.0.0.1", 80]
  ])("is let through although it may be private: %s", (address, host, port) => {
    const source = sourceOf(address)
    expect(source).toEqual({ host, port })
    expect(passes(address, "10.1.2.3", [source])).toBe(true)
    expect(passes(address, "10.1.2.3")).toBe(false)
  })
})
