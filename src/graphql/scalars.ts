import { GraphQLError, Kind } from "graphql"
import { builder } from "./builder.ts"
import type { UploadedFile } from "./UploadedFile.ts"

const isoInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

/** Date makes 2 March of 30 February, and the next day of 24:00. */
const isOnCalendar = (text: string): boolean => {
  const written = text.slice(0, 16)
  const asUtc = new Date(`${written}Z`)
  return !Number.isNaN(asUtc.getTime()) && asUtc.toISOString().startsWith(written)
}

const parseDate = (value: unknown): Date => {
  const date = typeof value === "string" && isoInstant.test(value) && isOnCalendar(value) ? new Date(value) : undefined
  // A zone can lead out of the years that four digits write.
  if (date === undefined || Number.isNaN(date.getTime()) || !isoInstant.test(date.toISOString())) throw new GraphQLError("A DateTime is written in ISO 8601 with its zone, such as 2026-01-31T12:00:00Z.")
  return date
}

builder.scalarType("DateTime", {
  description: "An instant in ISO 8601, UTC.",
  specifiedByURL: "https://scalars.graphql.org/andimarek/date-time.html",
  serialize: (date) => date.toISOString(),
  parseValue: parseDate
})

builder.scalarType("URL", {
  description: "An absolute address (WHATWG URL).",
  specifiedByURL: "https://url.spec.whatwg.org/",
  serialize: (url) => url,
  // Whether the address may be used is for the field to say, in its union.
  parseValue: (value) => {
    if (typeof value !== "string") throw new GraphQLError("A URL is written as text.")
    return value
  },
  parseLiteral: (node) => {
    if (node.kind !== Kind.STRING) throw new GraphQLError("A URL is written as text.")
    return node.value
  }
})

const isFile = (value: unknown): value is UploadedFile => typeof value === "object" && value !== null && "stream" in value && typeof value.stream === "function" && "name" in value

builder.scalarType("File", {
  description: "A file of a GraphQL multipart request (https://github.com/jaydenseric/graphql-multipart-request-spec).",
  serialize: () => {
    throw new GraphQLError("A File can be sent and not received.")
  },
  parseValue: (value) => {
    if (!isFile(value)) throw new GraphQLError("A File is sent as a part of a multipart request, with null in its place in the variables.")
    return value
  },
  parseLiteral: () => {
    throw new GraphQLError("A File is passed in a variable.")
  }
})
