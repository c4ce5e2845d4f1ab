/** Requests to /graphql: the page for people, uploads, and everything else for Yoga. */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { GraphQLParams } from "graphql-yoga"
import type { Viewer } from "../domain/Viewer.ts"
import { type Admission, bearerIn, NotAdmitted } from "./admission.ts"
import type { Asked } from "./asked.ts"
import { limitBodyTime } from "./bodyTime.ts"
import { csrfHeaders, isPreflighted } from "./crossSite.ts"
import { makeGraphiQL } from "./graphiql.ts"
import { type GraphQLServer, type GraphQLServers, graphqlPath, maxMessageBytes } from "./graphqlServer.ts"
import { isJson, receiveJson } from "./jsonBody.ts"
import { receiveOperation } from "./multipart.ts"
import { sendProblem } from "./problem.ts"
import { RequestFault } from "./RequestFault.ts"
import { cutWhenStalled } from "./stalledResponse.ts"

const wantsPage = (request: IncomingMessage): boolean => request.method === "GET" && request.headers.accept?.includes("text/html") === true

const wantsEvents = (request: IncomingMessage): boolean => request.headers.accept?.includes("text/event-stream") === true

const isUpload = (request: IncomingMessage): boolean =>
  request.method === "POST" && request.headers["content-type"]?.trim().toLowerCase().startsWith("multipart/form-data") === true

/** How long a client may go on sending a file that was refused before it is cut off. */
const lingerMs = 10_000

const wantedType = (request: IncomingMessage): string =>
  request.headers.accept?.includes("application/graphql-response+json") === true ? "application/graphql-response+json" : "application/json"

/** Who is not let in is told so as GraphQL clients expect it. */
const sendNotAdmitted = (request: IncomingMessage, response: ServerResponse, { code, headers, message, retryAfterMs, status }: NotAdmitted): void => {
  const body = JSON.stringify({ errors: [{ message, extensions: { code, ...(retryAfterMs !== undefined && { retryAfterMs }) } }] })
  response.writeHead(status, { "content-type": wantedType(request), "content-length": Buffer.byteLength(body), ...headers }).end(body)
}

interface Operation {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly asked: Asked
  readonly viewer: Viewer
}

const answerOperation = async ({ answerKnown, graphql }: GraphQLServers, { asked, request, response, viewer }: Operation): Promise<void> => {
  limitBodyTime(request, { pauseMs: 15_000, totalMs: 60_000 })
  if (request.method !== "POST") return graphql.handle(request, response, { asked, viewer })
  if (!isJson(request.headers["content-type"])) throw new RequestFault("Send JSON (content-type: application/json).", 415)
  const received = (await receiveJson(request, maxMessageBytes)) as GraphQLParams
  const answered = await answerKnown(request, response, { asked, viewer, received })
  if (answered === "sent") return
  return graphql.handle(request, response, { asked, viewer, received, answered })
}

const answerUpload = async (graphql: GraphQLServer, { asked, request, response, viewer }: Operation, maxFileBytes: number): Promise<void> => {
  limitBodyTime(request, { pauseMs: 60_000, totalMs: 6 * 3_600_000 })
  const gone = new AbortController()
  response.once("close", () => gone.abort())
  const { discardRest, params } = await receiveOperation(request, { maxFileBytes, maxFieldBytes: maxMessageBytes })
  const accept = wantedType(request)
  const answer = await graphql.fetch(
    `http://localhost${graphqlPath}`,
    { method: "POST", headers: { "content-type": "application/json", accept } },
    { asked, viewer, received: params, signal: gone.signal }
  )
  const body = Buffer.from(await answer.arrayBuffer())
  await discardRest(lingerMs)
  if (!request.readableEnded) response.setHeader("connection", "close")
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? accept, "content-length": body.length })
  response.end(body)
}

export interface GraphQLListenerSettings {
  readonly keepAliveMs: number
  readonly maxUploadBytes: number
  readonly admission: Admission
}

/** Answers a request to /graphql. The promise rejects with what nobody expected. */
export const makeGraphQLListener = (servers: GraphQLServers, { admission, keepAliveMs, maxUploadBytes }: GraphQLListenerSettings) => {
  const sendGraphiQL = makeGraphiQL(admission.required)
  const answer = async (request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> => {
    const viewer = await admission.admitNow(bearerIn(request.headers.authorization))
    if (response.destroyed) return
    if (isUpload(request)) return answerUpload(servers.graphql, { request, response, asked, viewer }, maxUploadBytes)
    if (wantsEvents(request)) {
      cutWhenStalled(response, keepAliveMs)
      response.once("close", admission.watch(viewer, () => response.destroy()))
    }
    return answerOperation(servers, { request, response, asked, viewer })
  }
  return async (request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> => {
    if (wantsPage(request)) return sendGraphiQL(request, response)
    if (!isPreflighted(request.headers)) {
      return sendProblem(response, 403, `Any page could make a browser send this request. Send JSON (content-type: application/json), or add the header ${csrfHeaders[0]}: 1.`)
    }
    return answer(request, response, asked).catch((error: unknown) => {
      if (error instanceof NotAdmitted) return sendNotAdmitted(request, response, error)
      if (!(error instanceof RequestFault)) throw error
      sendProblem(response, error.status, error.message, isUpload(request) ? { connection: "close" } : {})
    })
  }
}
