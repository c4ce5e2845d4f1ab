/**
 * Queries that were asked before. Yoga answers the first of a text: it parses, validates, and says what is wrong. Once a
 * text is known to be right, whoever may ask it is answered here, without a Request, a Response and the stations between;
 * and where an answer has errors, Yoga has the last word again.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { ExecutionResult } from "graphql"
import type { GraphQLParams } from "graphql-yoga"
import type { Engine } from "../graphql/engine.ts"
import type { Arrival } from "../graphql/GraphQLContext.ts"

/** As Yoga reads the header: the first type counts. Undefined where it would send anything else than JSON, or refuse. */
const acceptedType = (accept: string | undefined): string | undefined => {
  const [first = "*/*"] = accept?.replaceAll(/\s/gu, "").toLowerCase().split(",") ?? []
  switch (first) {
    case "*/*":
    case "application/json":
      return "application/json"
    case "application/graphql-response+json":
      return first
    default:
      return undefined
  }
}

const parameters = new Set(["query", "variables", "operationName", "extensions"])
const isObject = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

/** Anything else is for Yoga to refuse. */
const isWellFormed = (sent: GraphQLParams): sent is GraphQLParams & { readonly query: string } =>
  isObject(sent) && typeof sent.query === "string" && Object.keys(sent).every((name) => parameters.has(name)) &&
  ["string", "undefined"].includes(typeof (sent.operationName ?? undefined)) && isObject(sent.variables ?? {}) && isObject(sent.extensions ?? {})

/** Sends the answer, or returns what Yoga has to make of it: the answer with its errors, or nothing, to begin at the start. */
export const answerKnownQuery = async (
  engine: Engine,
  request: IncomingMessage,
  response: ServerResponse,
  sent: GraphQLParams,
  arrival: Omit<Arrival, "signal">
): Promise<"sent" | ExecutionResult | undefined> => {
  const type = acceptedType(request.headers.accept)
  const query = type !== undefined && isWellFormed(sent) ? engine.knownQuery(sent.query, sent, arrival.viewer) : undefined
  if (query === undefined) return undefined
  const gone = new AbortController()
  response.once("close", () => {
    if (!response.writableEnded) gone.abort()
  })
  const answer = await query({ ...arrival, signal: gone.signal })
  if (answer.errors !== undefined) return answer
  // As text, it goes out with its headers in one piece.
  const body = JSON.stringify(answer)
  response.writeHead(200, { "content-type": `${type}; charset=utf-8`, "content-length": Buffer.byteLength(body) }).end(body)
  return "sent"
}
