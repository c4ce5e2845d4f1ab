/** What the servers that are written by hand have in common: the schema, the statements and how ids and links are spelt. */
import pg from "pg"

/** What Playhead's schema says of the same fields. */
export const typeDefs = `
  enum TrackStatus { PENDING PROCESSING READY FAILED }
  enum ArtifactRole { ORIGINAL VOCALS INSTRUMENTAL ENHANCED TRIMMED TRANSCODED GENERATED COVER }
  enum JobStatus { QUEUED RUNNING WAITING CANCELLING SUCCEEDED FAILED CANCELLED }
  type Loudness { integratedLufs: Float! truePeakDbtp: Float! rangeLu: Float! }
  type Artifact { id: ID! role: ArtifactRole! url: String! mediaType: String! sizeBytes: Float! durationMs: Int loudness: Loudness }
  type Job { id: ID! status: JobStatus! progress: Float! }
  type Track { id: ID! title: String! artist: String album: String durationMs: Int status: TrackStatus! artifacts: [Artifact!]! latestJob: Job }
  type TrackEdge { cursor: String! node: Track! }
  type PageInfo { hasNextPage: Boolean! endCursor: String }
  type TrackConnection { edges: [TrackEdge!]! pageInfo: PageInfo! }
  type Query { tracks(first: Int, after: String): TrackConnection! }
`

// As many connections as Playhead has, and statements sent before the last one is answered.
const pool = new pg.Pool({ connectionString: process.env["DATABASE_URL"], max: 10, pipeline: true })
const types = new pg.TypeOverrides()
types.setTypeParser(pg.types.builtins.INT8, Number)

const query = async (name, text, values) => (await pool.query({ name, text, values, types })).rows

const positionOf = (cursor) => (cursor === null || cursor === undefined ? [null, null] : Buffer.from(cursor, "base64url").toString().split(" "))

const cursorOf = (track) => Buffer.from(`${track.position} ${track.id}`).toString("base64url")

/** The newest first, and one more than asked for where there are more; of all tables no column that is not asked for. */
export const trackPage = async (first, after) => {
  const [time, id] = positionOf(after)
  const rows = await query(
    time === null ? "first" : "next",
    `select id, title, artist, album, duration_ms as "durationMs", status, (extract(epoch from created_at) * 1000000)::int8::text as position from track
     ${time === null ? "" : "where (created_at, id) < (to_timestamp($2::float8 / 1000000), $3::uuid)"} order by created_at desc, id desc limit $1`,
    time === null ? [first + 1] : [first + 1, time, id]
  )
  const page = rows.slice(0, first)
  return { page, hasNextPage: rows.length > first, cursorOf, endCursor: page.length === 0 ? null : cursorOf(page.at(-1)) }
}

/** By track, oldest first. */
export const artifactsOf = async (trackIds) =>
  Map.groupBy(
    await query(
      "artifacts",
      `select id, track_id as "trackId", role, media_type as "mediaType", size_bytes as "sizeBytes", duration_ms as "durationMs",
         integrated_lufs as "integratedLufs", true_peak_dbtp as "truePeakDbtp", range_lu as "rangeLu"
       from artifact where track_id = any($1::uuid[]) order by id`,
      [trackIds]
    ),
    ({ trackId }) => trackId
  )

/** By track. */
export const latestJobOf = async (trackIds) => {
  const rows = await query(
    "jobs",
    `select j.id, j.track_id as "trackId", j.status, j.progress from unnest($1::uuid[]) as asked (id)
     cross join lateral (select * from job where track_id = asked.id order by created_at desc, id desc limit 1) as j`,
    [trackIds]
  )
  return new Map(rows.map((job) => [job.trackId, job]))
}

export const globalId = (type, id) => Buffer.from(`${type}:${id}`).toString("base64url")

export const mediaUrl = (artifact) => `http://localhost/media/${globalId("Artifact", artifact.id)}`

export const loudnessOf = ({ integratedLufs, rangeLu, truePeakDbtp }) =>
  integratedLufs === null || truePeakDbtp === null || rangeLu === null ? null : { integratedLufs, truePeakDbtp, rangeLu }

/** The resolvers that both libraries take. */
export const resolvers = {
  Query: { tracks: (_, { after, first }) => trackPage(first ?? 20, after) },
  TrackConnection: {
    edges: ({ page }) => page,
    pageInfo: (connection) => connection
  },
  TrackEdge: { cursor: cursorOf, node: (track) => track },
  Track: { id: ({ id }) => globalId("Track", id) },
  Artifact: { id: ({ id }) => globalId("Artifact", id), url: mediaUrl, loudness: loudnessOf },
  Job: { id: ({ id }) => globalId("Job", id) }
}

/** The benchmark waits for this line. */
export const announce = (port, path = "/graphql") => console.log(`listening at http://127.0.0.1:${port}${path}`)
