/** GraphiQL, as one page that loads nothing from anywhere else. */
import { createHash } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { promisify } from "node:util"
import { gzip } from "node:zlib"
import { renderGraphiQL } from "@graphql-yoga/render-graphiql"
import { csrfHeaders } from "./crossSite.ts"

const tab = (query: string, variables?: object) => ({ query: query.trim(), ...(variables === undefined ? {} : { variables: JSON.stringify(variables, null, 2) }) })

/** What it opens with: the way from a song's address to its waveform, ready to run. */
const operations = [
  // GraphiQL shows no variables in the tab that it opens with, so this one has none.
  tab(`
# Import a song: put its address in, then run.
# Then watch it: copy the job's id into the next tab.
mutation Import {
  trackImport(input: {
    source: { url: "https://example.com/song.mp3" }
  }) {
    __typename
    ... on TrackImportSuccess {
      replayed
      track { id title status }
      job { id status }
    }
    ... on Error { code message retryable }
  }
}`),
  tab(`
# Watch a job: what was, then what comes, until it ends.
subscription Watch($jobId: ID!) {
  jobEvents(jobId: $jobId) {
    __typename
    sequence
    at
    ... on StageProgressedEvent { stage { name } progress }
    ... on StageRetryingEvent { delayMs failure { message } }
    ... on JobFailedEvent { failure { code message } }
    job {
      status
      progress
      stages { name status }
    }
  }
}`, { jobId: "" }),
  tab(`
# A track: tags, loudness, waveform and files.
query Track($id: ID!) {
  track(id: $id) {
    title artist album year status durationMs codec
    loudness { integratedLufs truePeakDbtp rangeLu }
    waveform {
      samplesPerPixel
      jsonUrl
      imageUrl(width: 1200, height: 200)
    }
    cover { url mediaType }
    artifacts { role url mediaType sizeBytes }
    latestJob {
      status
      stages { name status }
      failure { code message }
    }
  }
}`, { id: "" }),
  tab(`
# The library, newest first.
query Library {
  tracks(first: 20) {
    totalCount
    pageInfo { hasNextPage endCursor }
    edges { node { id title artist status durationMs } }
  }
}`),
  tab(`
# Every job that is under way, whenever it changes.
subscription Dashboard {
  jobChanged {
    id kind status progress
    currentStage { name progress }
    track { title }
  }
}`),
  tab(`
# Whether the server is in order.
query Health {
  health {
    status version uptimeSeconds
    checks { name status latencyMs message }
  }
}`)
]

const scriptHash = (html: string): string => {
  const start = html.indexOf("<script>") + "<script>".length
  return createHash("sha256").update(html.slice(start, html.indexOf("</script>", start))).digest("base64")
}

/** What a person has to do first where keys are required. The header is ASCII: browsers refuse anything else there. */
const keyHint = "# First write your key into Headers, below.\n# Then the arrows on the left fetch the schema.\n"
const keyHeaders = JSON.stringify({ authorization: "Bearer YOUR-KEY" }, null, 2)

/** Nine megabytes of script: made when the first browser asks, and compressed once. */
const renderPage = async (keyRequired: boolean) => {
  const html = renderGraphiQL({
    title: "Playhead",
    endpoint: "/graphql",
    // Over a WebSocket GraphiQL sends none of the headers that are written into it.
    subscriptionsProtocol: keyRequired ? "SSE" : "WS",
    ...(keyRequired
      // It asks for event streams by GET, which is refused without this header: see crossSite.ts.
      ? { additionalHeaders: { [csrfHeaders[0]]: "1" }, headers: keyHeaders, defaultTabs: operations.map((operation) => ({ ...operation, query: keyHint + operation.query, headers: keyHeaders })) }
      : { defaultTabs: operations })
  })
  const compressed = await promisify(gzip)(html)
  const policy = [
    "default-src 'none'",
    `script-src 'sha256-${scriptHash(html)}' blob:`,
    "worker-src blob:",
    "style-src 'unsafe-inline'",
    "font-src data:",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join("; ")
  return { html, compressed, policy, etag: `W/"${createHash("sha256").update(html).digest("base64url")}"` }
}

/** Answers with the page. */
export const makeGraphiQL = (keyRequired: boolean) => {
  let page: ReturnType<typeof renderPage> | undefined
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { compressed, etag, html, policy } = await (page ??= renderPage(keyRequired))
    const headers = {
      etag,
      "cache-control": "no-cache",
      "content-security-policy": policy,
      "content-type": "text/html; charset=utf-8",
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "x-frame-options": "DENY",
      vary: "Accept, Accept-Encoding"
    }
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304, headers).end()
    } else if (request.headers["accept-encoding"]?.includes("gzip") === true) {
      response.writeHead(200, { ...headers, "content-encoding": "gzip", "content-length": compressed.length }).end(compressed)
    } else {
      response.writeHead(200, { ...headers, "content-length": Buffer.byteLength(html) }).end(html)
    }
  }
}
