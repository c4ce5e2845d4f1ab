/** Values of arguments as a careless or hostile client sends them: many that are right, many at their limits and beyond. */
import { createHash } from "node:crypto"
import * as fc from "fast-check"
import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredInputField
} from "graphql"
import { globalId, type NodeType } from "../../../src/domain/globalId.ts"

export const nodeTypes: ReadonlyArray<NodeType> = ["Track", "Artifact", "Job", "Incident", "WebhookEndpoint", "WebhookDelivery", "ApiKey"]

/** What is there to be asked for; answers add to it. */
export interface Known {
  readonly ids: Map<string, Array<string>>
  readonly cursors: Array<string>
  /** The type whose ids the operation is likely to be about. */
  wanted: string
}

type Generate = fc.GeneratorValue

export const hostileTexts: ReadonlyArray<string> = [
  "", " ", "\n\t", "\0", "a\0b", "\ud800", "\udc00x", "\u0001", "\u202egnp.exe", "null", "undefined", "__proto__", "constructor", "%", "_", "\\", "'", "\"", "''",
  "'; drop table track; --", "$1", "${x}", "{{x}}", "a & | ! ( ) : * <->", "!!!", ":*", "a".repeat(200), "a".repeat(201), "😀".repeat(200), "😀".repeat(201), "ab ".repeat(500),
  "x".repeat(5_000), "../../../../etc/passwd", "/etc/passwd", "C:\\con", "İıſﬀß", "e\u0301", "<script>", "en", "pt-BR", "2026-01-31T12:00:00Z", "audio", "Song", "song.wav"
]

/** Nothing here leads out of this machine, nor to a name that would have to be looked up. */
const addresses: ReadonlyArray<string> = [
  "http://127.0.0.1:1/a.mp3", "https://[::1]:1/", "http://2130706433:1/", "http://user:secret@127.0.0.1:1/", "http://127.0.0.1:99999/", "http://", "http:///", "//127.0.0.1:1/", "file:///etc/passwd",
  "javascript:alert(1)", "data:audio/wav;base64,AAAA", "gopher://127.0.0.1:1/", "http://127.0.0.1:1/\0", "http://127.0.0.1:1/\ud800", "http://127.0.0.1:1/%zz?#", "http://127.0.0.1:1/" + "a".repeat(2_048), "not an address", ""
]

const instants: ReadonlyArray<string> = [
  "2026-01-31T12:00:00Z", "2999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "1970-01-01T00:00:00Z",
  "2026-02-30T00:00:00Z", "2026-01-31", "+275760-09-13T00:00:00Z", "now", "", "infinity"
]

const integers: ReadonlyArray<number> = [0, 1, -1, 2, 3, 15, 16, 20, 99, 100, 101, 200, 320, 500, 501, 2_048, 4_096, 4_097, 9_999, 10_000, 10_001, 44_100, 48_000, 86_400, 2_147_483_647, -2_147_483_648]
const wrongIntegers: ReadonlyArray<unknown> = [2_147_483_648, 1.5, 1e300, "1", true]
const numbers: ReadonlyArray<number> = [0, -0, -60, -16, -1.5, -5, -40, -40.001, -9, -120, -120.001, 0.1, 1e-320, 1e308, -1e308, Number.MAX_SAFE_INTEGER]
const sizes: ReadonlyArray<number> = [1, 2, 3, 5, 20, 100, 101, 0, -1, 500, 501, 2_147_483_647, -2_147_483_648]

const pick = <A>(g: Generate, values: ReadonlyArray<A>): A => values[g(fc.nat, { max: values.length - 1 })] as A
const chance = (g: Generate, percent: number): boolean => g(fc.integer, { min: 0, max: 99 }) >= 100 - percent

const textOf = (g: Generate): string => chance(g, 40) ? pick(g, ["Song", "en", "dub", "Somebody"]) : chance(g, 60) ? pick(g, hostileTexts) : g(fc.string, { unit: "binary", maxLength: 60 } as const)

const idTypes = [...nodeTypes, "constructor", "__proto__", "toString", "Blob", ""]

const idOf = (g: Generate, wanted: string, known: Known): unknown => {
  const kind = g(fc.nat, { max: 9 })
  const fitting = known.ids.get(wanted) ?? []
  if (kind < 5 && fitting.length > 0) return pick(g, fitting)
  if (kind < 7) return pick(g, [...known.ids.values()].flat())
  if (kind < 9) return globalId(pick(g, idTypes) as NodeType, g(fc.uuid))
  return chance(g, 20) ? g(fc.integer) : textOf(g)
}

const listNames = ["jobs {}", ...["TITLE", "YEAR", "CREATED_AT", "RELEVANCE"].map((field) => `tracks ${JSON.stringify({ criteria: {}, search: null, order: { field, descending: false } })}`)]
const positions = ["", "00000000-0000-7000-8000-000000000000", `["a","00000000-0000-7000-8000-000000000000",null]`, `[1e999,"x",null]`, `[8.64e15,"00000000-0000-7000-8000-000000000000",null]`, `["\\u0000","00000000-0000-7000-8000-000000000000",null]`, "{}"]

/** As the server would have made it for any position: the digest is no secret. */
const forged = (g: Generate): string => {
  const [list, position] = [pick(g, listNames), pick(g, positions)]
  return Buffer.from(createHash("sha256").update(`${list}\n${position}`).digest("base64url").slice(0, 16) + position).toString("base64url")
}

const cursorOf = (g: Generate, known: Known): string => {
  const genuine = known.cursors.length === 0 ? "" : pick(g, known.cursors)
  switch (g(fc.nat, { max: 4 })) {
    case 0:
    case 1: return genuine
    case 2: return genuine.slice(0, g(fc.integer, { min: 0, max: 60 })) + g(fc.string, { maxLength: 3 })
    case 3: return forged(g)
    default: return textOf(g)
  }
}

const scalarOf = (g: Generate, type: string, name: string, known: Known): unknown => {
  if (name === "after" || name === "before") return cursorOf(g, known)
  if (name === "first" || name === "last") return chance(g, 3) ? pick(g, wrongIntegers) : pick(g, chance(g, 60) ? sizes.slice(0, 5) : sizes)
  if (name === "file" && type === "String") return chance(g, 50) ? "song.wav" : textOf(g)
  switch (type) {
    case "ID": return idOf(g, name === "trackId" ? "Track" : known.wanted, known)
    case "Int": return chance(g, 3) ? pick(g, wrongIntegers) : chance(g, 70) ? pick(g, integers) : g(fc.integer)
    case "Float": return chance(g, 70) ? pick(g, numbers) : g(fc.double, { noNaN: true, noDefaultInfinity: true } as const)
    case "Boolean": return chance(g, 3) ? "true" : g(fc.boolean)
    case "DateTime": return pick(g, instants)
    case "URL": return chance(g, 40) ? addresses[0] : pick(g, addresses)
    // A part of the request takes its place.
    case "File": return null
    default: return textOf(g)
  }
}

/** Undefined for what is better left out. */
export const valueOf = (g: Generate, type: GraphQLInputType, name: string, known: Known): unknown => {
  if (isNonNullType(type)) return chance(g, 2) ? null : valueOf(g, type.ofType, name, known)
  if (isListType(type)) {
    const size = chance(g, 4) ? 101 : g(fc.integer, { min: 0, max: 3 })
    const item = () => valueOf(g, type.ofType, name, known)
    // A hundred different ones say no more than a hundred alike.
    return size > 3 ? Array.from({ length: size }).fill(item()) : Array.from({ length: size }, item)
  }
  if (isEnumType(type)) return chance(g, 3) ? textOf(g) : pick(g, type.getValues().map((value) => value.name))
  if (!isInputObjectType(type)) return scalarOf(g, type.name, name, known)
  const fields = Object.values(type.getFields())
  if (type.isOneOf && chance(g, 95)) {
    const field = pick(g, fields)
    return { [field.name]: valueOf(g, field.type, field.name, known) }
  }
  return Object.fromEntries(fields.filter((field) => isGiven(g, field)).map((field) => [field.name, valueOf(g, field.type, field.name, known)]))
}

export const isGiven = (g: Generate, input: GraphQLArgument | GraphQLInputField): boolean =>
  chance(g, isRequiredInputField(input as GraphQLInputField) ? 98 : input.name === "after" || input.name === "before" || input.name === "last" ? 12 : 35)
