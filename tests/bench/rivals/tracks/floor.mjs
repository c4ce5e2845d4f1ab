/** The least that must be done for such a page: the statements, an object, JSON. It knows one query and no GraphQL. */
import { createServer } from "node:http"
import { announce, artifactsOf, globalId, latestJobOf, loudnessOf, mediaUrl, trackPage } from "./library.mjs"

const answer = async ({ after, first }) => {
  const { endCursor, hasNextPage, page } = await trackPage(first, after)
  const ids = page.map(({ id }) => id)
  const [artifacts, jobs] = await Promise.all([artifactsOf(ids), latestJobOf(ids)])
  const edges = page.map(({ album, artist, durationMs, id, status, title }) => {
    const job = jobs.get(id)
    return {
      node: {
        id: globalId("Track", id), title, artist, album, durationMs, status,
        artifacts: (artifacts.get(id) ?? []).map((artifact) => ({
          id: globalId("Artifact", artifact.id), role: artifact.role, url: mediaUrl(artifact), mediaType: artifact.mediaType,
          sizeBytes: artifact.sizeBytes, durationMs: artifact.durationMs, loudness: loudnessOf(artifact)
        })),
        latestJob: job === undefined ? null : { id: globalId("Job", job.id), status: job.status, progress: job.progress }
      }
    }
  })
  return JSON.stringify({ data: { tracks: { edges, pageInfo: { hasNextPage, endCursor } } } })
}

const server = createServer((request, response) => {
  const chunks = []
  request.on("data", (chunk) => chunks.push(chunk)).on("end", () => void answer(JSON.parse(Buffer.concat(chunks).toString()).variables).then((body) =>
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body)))
})
server.listen(0, "127.0.0.1", () => announce(server.address().port))
