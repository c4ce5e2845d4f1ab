/** A client of the API as an application would write it: every document is typed from schema.graphql, and nothing is cast. */
import { createClient } from "graphql-ws"
import { initGraphQLTada, type ResultOf, type TadaDocumentNode, type VariablesOf } from "gql.tada"
import { print } from "graphql"
import { WebSocket } from "ws"
import type { introspection } from "./schema.d.ts"

export const graphql = initGraphQLTada<{
  introspection: introspection
  scalars: { DateTime: string; URL: string; File: null }
}>()

const trackFields = graphql(`fragment TrackFields on Track @_unmask { id title artist status durationMs loudness { integratedLufs } }`)

const importDocument = graphql(
  `mutation ($input: TrackImportInput!) {
    trackImport(input: $input) {
      __typename
      ... on TrackImportSuccess { replayed job { id status } track { ...TrackFields } }
      ... on InvalidInputError { issues { path message } }
      ... on NotConfiguredError { settings }
      ... on Error { code message retryable }
    }
  }`,
  [trackFields]
)

const tracksDocument = graphql(
  `query ($search: String, $filter: TrackFilter, $after: String) {
    tracks(search: $search, filter: $filter, first: 10, after: $after) { pageInfo { hasNextPage endCursor } edges { node { ...TrackFields } } }
  }`,
  [trackFields]
)

const eventsDocument = graphql(`subscription ($jobId: ID!, $after: Int) {
  jobEvents(jobId: $jobId, afterSequence: $after) {
    __typename sequence
    ... on StageProgressedEvent { progress stage { name } }
    ... on JobFailedEvent { failure { __typename code message } }
  }
}`)

export type Track = ResultOf<typeof trackFields>
type Imported = Extract<ResultOf<typeof importDocument>["trackImport"], { __typename: "TrackImportSuccess" }>

/** For the address of a server, such as `http://127.0.0.1:4000`. */
export const connect = (address: string) => {
  const ask = async <Data, Variables>(document: TadaDocumentNode<Data, Variables>, variables: Variables): Promise<Data> => {
    const response = await fetch(`${address}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: print(document), variables })
    })
    const { data, errors } = (await response.json()) as { data?: Data; errors?: ReadonlyArray<{ message: string }> }
    if (data === undefined || errors !== undefined) throw new Error(errors?.[0]?.message ?? `The server answered with ${response.status}.`)
    return data
  }

  return {
    /** What was imported, or an error with what the server says is to be done. */
    importTrack: async (input: VariablesOf<typeof importDocument>["input"]): Promise<Imported> => {
      const { trackImport } = await ask(importDocument, { input })
      if (trackImport.__typename === "TrackImportSuccess") return trackImport
      if (trackImport.__typename === "InvalidInputError") throw new Error(trackImport.issues.map(({ message, path }) => `${path.join(".")}: ${message}`).join("; "))
      if (trackImport.__typename === "NotConfiguredError") throw new Error(`${trackImport.message} Settings: ${trackImport.settings.join(", ")}`)
      throw new Error(`${trackImport.code}: ${trackImport.message}`)
    },
    /** Page by page, for as long as somebody reads on. */
    tracks: async function* (asked: Omit<VariablesOf<typeof tracksDocument>, "after"> = {}): AsyncGenerator<Track> {
      let after: string | null = null
      do {
        const { tracks }: ResultOf<typeof tracksDocument> = await ask(tracksDocument, { ...asked, after })
        for (const { node } of tracks.edges) yield node
        after = tracks.pageInfo.hasNextPage ? tracks.pageInfo.endCursor : null
      } while (after !== null)
    },
    /** A job's log from behind a sequence on, until its last event. */
    jobEvents: async function* (jobId: string, after = 0): AsyncGenerator<ResultOf<typeof eventsDocument>["jobEvents"]> {
      const client = createClient({ url: `${address.replace(/^http/, "ws")}/graphql`, webSocketImpl: WebSocket, retryAttempts: 0 })
      try {
        const variables: VariablesOf<typeof eventsDocument> = { jobId, after }
        for await (const { data } of client.iterate<ResultOf<typeof eventsDocument>>({ query: print(eventsDocument), variables })) {
          if (data !== null && data !== undefined) yield data.jobEvents
        }
      } finally {
        await client.dispose()
      }
    }
  }
}
