/** What GraphiQL opens with: the way from a song's address to its waveform, ready to run. */
import type { GraphiQLOptions } from "graphql-yoga"

const tab = (query: string, variables?: object) => ({ query: query.trim(), ...(variables === undefined ? {} : { variables: JSON.stringify(variables, null, 2) }) })

const operations = [
  tab(`
# Import a song: put an address in the variables below, then run.
# Copy the job's id from the answer into the next tab to watch it.
mutation Import($url: URL!) {
  trackImport(input: { source: { url: $url } }) {
    __typename
    ... on TrackImportSuccess { replayed track { id title status } job { id status } }
    ... on Error { code message retryable }
  }
}`, { url: "https://example.com/song.mp3" }),
  tab(`
# Watch a job: stored events first, then live ones, until it ends.
subscription Watch($jobId: ID!) {
  jobEvents(jobId: $jobId) {
    __typename sequence at
    ... on StageStartedEvent { stage { name } }
    ... on StageProgressedEvent { stage { name } progress }
    ... on StageSucceededEvent { stage { name } reused }
    ... on StageRetryingEvent { stage { name } delayMs failure { code message } }
    ... on JobFailedEvent { failure { code message retryable } }
  }
}`, { jobId: "" }),
  tab(`
# A track with its tags, loudness, waveform and files.
query Track($id: ID!) {
  track(id: $id) {
    title artist album year status durationMs codec
    loudness { integratedLufs truePeakDbtp rangeLu }
    waveform { samplesPerPixel jsonUrl imageUrl(width: 1200, height: 200) }
    cover { url mediaType }
    artifacts { role url mediaType sizeBytes }
    latestJob { status stages { name status } failure { code message } }
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
# Every job that is under way, and each of them whenever it changes.
subscription Dashboard {
  jobChanged { id kind status progress currentStage { name progress } track { title } }
}`),
  tab(`
query Health {
  health { status version uptimeSeconds checks { name status latencyMs message } }
}`)
]

export const graphiqlOptions: GraphiQLOptions = {
  title: "Playhead",
  subscriptionsProtocol: "WS",
  defaultTabs: operations
}
