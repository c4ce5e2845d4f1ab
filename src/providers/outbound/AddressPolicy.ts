/**
 * Which addresses Playhead may connect to when somebody else names them. Pure: it neither resolves nor dials.
 *
 * Two checks belong together. `admitUrl` judges what is written: scheme, credentials, port, and the host where it is an
 * IP literal (the WHATWG parser has already turned decimal, octal, hexadecimal, short and full-width notations into one
 * form). `admitAddress` judges what the host resolved to. Everything not known to be public is refused.
 */
import { isIP, isIPv6 } from "node:net"
import { Result } from "effect"
import ipaddr from "ipaddr.js"
import { SourceBlockedError } from "../../domain/errors.ts"
import { blockedPorts } from "./blockedPorts.ts"

/** A host that the operator vouches for; without a port, on every port. `host` is in the form of `URL.hostname`. */
export interface AllowedSource {
  readonly host: string
  readonly port: number | undefined
}

/** An address that may be connected to as far as its text shows; what it resolves to is still to be checked. */
export interface AdmittedUrl {
  readonly url: URL
  /** Without brackets and without the root's trailing dot. */
  readonly host: string
  readonly port: number
  /** The IP address, when the host is a literal. */
  readonly literal: string | undefined
}

export interface AddressPolicy {
  readonly admitUrl: (address: string | URL) => Result.Result<AdmittedUrl, SourceBlockedError>
  /** `address` is one that `target`'s host resolved to, or the literal itself. */
  readonly admitAddress: (target: AdmittedUrl, address: string) => Result.Result<void, SourceBlockedError>
}

/** An IPv4 address inside IPv6: mapped (RFC 4291) and the well-known NAT64 prefix (RFC 6052), which reach that IPv4 address. */
const embeddedIpv4 = (address: ipaddr.IPv6): ipaddr.IPv4 | undefined => {
  const bytes = address.toByteArray()
  const mapped = address.isIPv4MappedAddress()
  const nat64 = address.match(ipaddr.IPv6.parse("64:ff9b::"), 96)
  return mapped || nat64 ? new ipaddr.IPv4(bytes.slice(12)) : undefined
}

/** What can be assigned to hosts of the public internet. All else, such as IPv4-compatible `::/96`, is kept out. */
const globalUnicast = [ipaddr.IPv6.parse("2000::"), 3] as const

/**
 * The kind of an IP address: "public", or the name of the range that makes it unfit (`loopback`, `private`, `linkLocal`,
 * `carrierGradeNat`, `uniqueLocal`, `6to4`, `teredo`, …). What is not an IP address, or has a zone id, is `invalid`.
 */
export const addressKind = (address: string): string => {
  if (isIP(address) === 0 || address.includes("%")) return "invalid"
  const parsed = ipaddr.parse(address)
  const ipv4 = parsed instanceof ipaddr.IPv6 ? embeddedIpv4(parsed) : parsed
  if (ipv4 !== undefined) return ipv4.range() === "unicast" ? "public" : ipv4.range()
  const ipv6 = parsed as ipaddr.IPv6
  const range = ipv6.range()
  if (range !== "unicast") return range
  return ipv6.match(...globalUnicast) ? "public" : "reserved"
}

export const isPublicAddress = (address: string): boolean => addressKind(address) === "public"

/**
 * What an allowed name may lead to. Not link-local: 169.254.169.254 hands out a cloud machine's credentials, and a name
 * is only as trustworthy as its DNS. Whoever needs a link-local address lists the address itself.
 */
const kindsOpenToAllowedNames: ReadonlySet<string> = new Set([
  "public",
  "loopback",
  "private",
  "carrierGradeNat",
  "uniqueLocal"
])

const bareHost = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "")
const portOf = (url: URL): number => (url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port))

/** The host and port of an address that the operator names himself. */
export const sourceOf = (address: string): AllowedSource => {
  const url = new URL(address)
  return { host: bareHost(url), port: portOf(url) }
}

/** Reads one entry of the allow list: `host` or `host:port`, where the host is a name, an IPv4 or an IPv6 address. */
export const parseAllowedSource = (entry: string): Result.Result<AllowedSource, string> => {
  const written = isIPv6(entry) ? `[${entry}]` : entry
  const url = URL.parse(`http://${written}/`)
  if (url === null || entry.trim() !== entry || /[/@?#]/.test(entry)) {
    return Result.fail(`"${entry}" is not a host or host:port`)
  }
  // URL drops ":80" as http's default, so whether a port was written is read from the text.
  const writtenPort = /:(\d+)$/.exec(written)?.[1]
  return Result.succeed({ host: bareHost(url), port: writtenPort === undefined ? undefined : Number(writtenPort) })
}

const shown = (address: string | URL): string => String(address).slice(0, 200)

/** The policy with the operator's exceptions; with none, only public addresses pass. */
export const makeAddressPolicy = (allowed: ReadonlyArray<AllowedSource>): AddressPolicy => {
  const allowance = (host: string, port: number): AllowedSource | undefined =>
    allowed.find((source) => source.host === host && (source.port === undefined || source.port === port))

  const refuse = (host: string, message: string) => Result.fail(new SourceBlockedError({ message, host }))

  return {
    admitUrl: (address) => {
      const url = URL.parse(String(address))
      if (url === null)
        return refuse(shown(address), "This is not an address. Give a full one, such as https://example.com/song.mp3.")
      const host = bareHost(url)
      if (url.protocol !== "http:" && url.protocol !== "https:") {
        return refuse(host, `Only http and https addresses can be reached, not ${url.protocol.slice(0, 40)}`)
      }
      if (url.username !== "" || url.password !== "") {
        return refuse(
          host,
          "The address holds a user name or password, which would be kept and shown with it. Give one without."
        )
      }
      const port = portOf(url)
      const exception = allowance(host, port)
      if (blockedPorts.has(port) && exception?.port !== port) {
        return refuse(host, `Port ${port} belongs to another protocol than HTTP and is not reached.`)
      }
      return Result.succeed({ url, host, port, literal: isIP(host) === 0 ? undefined : host })
    },
    admitAddress: (target, address) => {
      const kind = addressKind(address)
      if (kind === "public") return Result.succeed(undefined)
      const exception = allowance(target.host, target.port)
      const admitted = exception !== undefined && (target.literal === address || kindsOpenToAllowedNames.has(kind))
      if (admitted) return Result.succeed(undefined)
      // Which address a name has inside this network is nobody's business, so the message does not tell.
      return refuse(
        target.host,
        `${target.host} leads to a private or reserved address. An operator can admit it with PLAYHEAD_ALLOW_PRIVATE_SOURCES.`
      )
    }
  }
}
