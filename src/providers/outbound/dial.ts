/** How names become addresses and addresses become sockets: the two seams where tests watch what would be reached. */
import { lookup } from "node:dns/promises"
import net from "node:net"
import tls from "node:tls"

/** All addresses of a name. Rejects when it has none. */
export type Resolver = (host: string) => Promise<ReadonlyArray<string>>

export interface DialTarget {
  /** The name or literal of the URL: for the certificate and SNI, never for resolving. */
  readonly host: string
  readonly port: number
  /** Checked addresses; nothing else may be connected to. Never empty. */
  readonly addresses: ReadonlyArray<string>
  readonly secure: boolean
}

/** Opens one connection. It may not resolve `host`: between a check and a second resolution an address can change. */
export type Dialer = (target: DialTarget) => net.Socket

export const systemResolver: Resolver = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

/** Reads while a batch is being written, so that the disk and the network need not wait for one another. */
const readAheadBytes = 512 * 1024

/** Dials the checked addresses, trying the next when one does not answer (RFC 8305). */
export const systemDialer: Dialer = ({ host, port, addresses, secure }) => {
  // Node consults `lookup` only for names; a literal host is its own and only checked address.
  const pinned: net.LookupFunction = (_host, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: net.isIP(address) }))
    )
  // @types/node lacks net.Socket's highWaterMark, which net.connect passes on to the stream.
  const connection = {
    host,
    port,
    lookup: pinned,
    autoSelectFamily: true,
    noDelay: true,
    highWaterMark: readAheadBytes
  }
  return secure
    ? tls.connect({ ...connection, ...(net.isIP(host) === 0 && { servername: host }), ALPNProtocols: ["http/1.1"] })
    : net.connect(connection)
}
