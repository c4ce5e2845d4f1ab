/** The page that is asked for, and what all servers must agree on in their answers. */

const artifact = "id role url mediaType sizeBytes durationMs loudness { integratedLufs truePeakDbtp rangeLu }"

/** Of Playhead, and of those that were given its schema. */
export const document = `query Page($first: Int!, $after: String) {
  tracks(first: $first, after: $after) {
    edges { node { id title artist album durationMs status artifacts { ${artifact} } latestJob { id status progress } } }
    pageInfo { hasNextPage endCursor }
  }
}`

/** The same in PostGraphile's words for these tables. It knows no links, and loudness is three columns. */
export const postgraphileDocument = `query Page($first: Int!, $after: Cursor) {
  allTracks(first: $first, after: $after, orderBy: [CREATED_AT_DESC, PRIMARY_KEY_DESC]) {
    edges { node {
      rowId title artist album durationMs status
      artifactsByTrackId(orderBy: [PRIMARY_KEY_ASC]) { nodes { rowId role mediaType sizeBytes durationMs integratedLufs truePeakDbtp rangeLu } }
      jobsByTrackId(first: 1, orderBy: [CREATED_AT_DESC, PRIMARY_KEY_DESC]) { nodes { rowId status progress } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}`

interface Artifact {
  readonly id: string
  readonly url: string
  readonly loudness: object
}
interface Track {
  readonly id: string
  readonly artifacts: ReadonlyArray<Artifact>
  readonly latestJob: { readonly id: string }
}
interface Answer {
  readonly data: { readonly tracks: { readonly edges: ReadonlyArray<{ readonly node: Track }>; readonly pageInfo: { readonly hasNextPage: boolean } } }
}

const uuidOf = (id: string): string => Buffer.from(id, "base64url").toString().split(":")[1] ?? id

/** An answer without what each server words in its own way: ids are uuids, links are left out, cursors are opaque. */
export const agreed = (text: string): object => {
  const { data: { tracks } } = JSON.parse(text) as Answer
  return {
    hasNextPage: tracks.pageInfo.hasNextPage,
    tracks: tracks.edges.map(({ node: { artifacts, id, latestJob, ...track } }) => ({
      ...track,
      id: uuidOf(id),
      artifacts: artifacts.map(({ id, loudness, ...artifact }) => ({ ...artifact, url: undefined, id: uuidOf(id), ...loudness })),
      latestJob: { ...latestJob, id: uuidOf(latestJob.id) }
    }))
  }
}

interface Nodes {
  readonly nodes: ReadonlyArray<{ readonly rowId: string; readonly sizeBytes?: string }>
}
interface PostgraphileAnswer {
  readonly data: {
    readonly allTracks: {
      readonly edges: ReadonlyArray<{ readonly node: { readonly rowId: string; readonly artifactsByTrackId: Nodes; readonly jobsByTrackId: Nodes } }>
      readonly pageInfo: { readonly hasNextPage: boolean }
    }
  }
}

/** The same of PostGraphile's answer; it writes 64-bit numbers as text. */
export const agreedByPostgraphile = (text: string): object => {
  const { data: { allTracks } } = JSON.parse(text) as PostgraphileAnswer
  return {
    hasNextPage: allTracks.pageInfo.hasNextPage,
    tracks: allTracks.edges.map(({ node: { artifactsByTrackId, jobsByTrackId, rowId, ...track } }) => ({
      ...track,
      id: rowId,
      artifacts: artifactsByTrackId.nodes.map(({ rowId, sizeBytes, ...artifact }) => ({ ...artifact, url: undefined, id: rowId, sizeBytes: Number(sizeBytes) })),
      latestJob: jobsByTrackId.nodes.map(({ rowId, ...job }) => ({ ...job, id: rowId }))[0]
    }))
  }
}
