/** Requests to /graphql: the page for people, uploads, and everything else for Yoga. */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { GraphQLParams } from "graphql-yoga"
import type { Asked } from "./asked.ts"
import { limitBodyTime } from "./bodyTime.ts"
import { csrfHeaders, isPreflighted } from "./crossSite.ts"
import { makeGraphiQL } from "./graphiql.ts"
import { type GraphQLServer, graphqlPath, maxMessageBytes } from "./graphqlServer.ts"
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

const answerOperation = async (graphql: GraphQLServer, request: IncomingMessage, response: ServerResponse, asked: Asked, keepAliveMs: number): Promise<void> => {
  limitBodyTime(request, { pauseMs: 15_000, totalMs: 60_000 })
  if (wantsEvents(request)) cutWhenStalled(response, keepAliveMs)
  if (request.method !== "POST") return graphql.handle(request, response, { asked })
  if (!isJson(request.headers["content-type"])) throw new RequestFault("Send JSON (content-type: application/json).", 415)
  const received = (await receiveJson(request, maxMessageBytes)) as GraphQLParams
  return graphql.handle(request, response, { asked, received })
}

const answerUpload = async (graphql: GraphQLServer, request: IncomingMessage, response: ServerResponse, asked: Asked, maxFileBytes: number): Promise<void> => {
  limitBodyTime(request, { pauseMs: 60_000, totalMs: 6 * 3_600_000 })
  const gone = new AbortController()
  response.once("close", () => gone.abort())
  const { discardRest, params } = await receiveOperation(request, { maxFileBytes, maxFieldBytes: maxMessageBytes })
  const accept = request.headers.accept?.includes("application/graphql-response+json") === true ? "application/graphql-response+json" : "application/json"
  const answer = await graphql.fetch(
    `http://localhost${graphqlPath}`,
    { method: "POST", headers: { "content-type": "application/json", accept } },
    { asked, received: params, signal: gone.signal }
  )
  const body = Buffer.from(await answer.arrayBuffer())
  await discardRest(lingerMs)
  if (!request.readableEnded) response.setHeader("connection", "close")
  response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? accept, "content-length": body.length })
  response.end(body)
}

/** Answers a request to /graphql. The promise rejects with what nobody expected. */
export const makeGraphQLListener = (graphql: GraphQLServer, { keepAliveMs, maxUploadBytes }: { readonly keepAliveMs: number; readonly maxUploadBytes: number }) => {
  const sendGraphiQL = makeGraphiQL()
  return async (request: IncomingMessage, response: ServerResponse, asked: Asked): Promise<void> => {
    if (wantsPage(request)) return sendGraphiQL(request, response)
    if (!isPreflighted(request.headers)) {
      return sendProblem(response, 403, `Any page could make a browser send this request. Send JSON (content-type: application/json), or add the header ${csrfHeaders[0]}: 1.`)
    }
    const answer = isUpload(request)
      ? answerUpload(graphql, request, response, asked, maxUploadBytes)
      : answerOperation(graphql, request, response, asked, keepAliveMs)
    return answer.catch((error: unknown) => {
      if (!(error instanceof RequestFault)) throw error
      sendProblem(response, error.status, error.message, isUpload(request) ? { connection: "close" } : {})
    })
  }
}
