/** Lists read of a row what is asked for and no more: no field may come out otherwise for being asked for alone. */
import { getNamedType, isLeafType, isObjectType } from "graphql"
import { expect, it } from "vitest"
import { schema } from "../../../src/graphql/schema.ts"
import { useTestServer } from "../../support/testServer.ts"

const server = useTestServer("postgres")

/** All that can be asked of a type for itself, a level deep: leaves, and objects by their leaves. */
const fieldsOf = (typeName: string): ReadonlyArray<string> => {
  const type = schema.getType(typeName)
  if (!isObjectType(type)) throw new Error(`${typeName} is no object type`)
  return Object.values(type.getFields()).flatMap((field) => {
    const named = getNamedType(field.type)
    if (isLeafType(named)) return [field.name]
    if (field.name === "failure") return [`failure { __typename code message }`]
    // Lists of their own, read by loaders that have nothing to do with the row.
    if (!isObjectType(named) || ["artifacts", "jobs", "latestJob", "track", "stages", "events"].includes(field.name)) return []
    return [`${field.name} { ${Object.values(named.getFields()).filter(({ type }) => isLeafType(getNamedType(type))).map(({ name }) => name).join(" ")} }`]
  })
}

const nested = [
  ["of a track", (fields: string) => fields, "Track"],
  ["of its artifacts", (fields: string) => `artifacts { ${fields} }`, "Artifact"],
  ["of the track of its artifacts", (fields: string) => `artifacts { track { ${fields} } }`, "Track"],
  ["of its latest job", (fields: string) => `latestJob { ${fields} }`, "Job"],
  ["of the track of its latest job", (fields: string) => `latestJob { track { ${fields} } }`, "Track"]
] as const

/** Every value in its place, by path; lists merge by their index. */
const merge = (into: unknown, from: unknown): unknown => {
  if (Array.isArray(into) && Array.isArray(from)) return into.map((one, index) => merge(one, from[index]))
  if (typeof into === "object" && into !== null && typeof from === "object" && from !== null) {
    const all = into as Readonly<Record<string, unknown>>
    return { ...all, ...Object.fromEntries(Object.entries(from).map(([key, value]) => [key, key in all ? merge(all[key], value) : value])) }
  }
  return from
}

it.each(nested)("gives each field %s alone what it gives with all others", async (_of, within, typeName) => {
  const { jobId, trackId } = await server.insertTrack({ title: "Title", artist: "Artist", tags: ["tag"] })
  await server.sql(
    `update track set album = 'Album', album_artist = 'Them', genres = array['Dub'], year = 1999, track_number = 3, language = 'en', duration_ms = 1000,
       sample_rate_hz = 44100, channels = 2, codec = 'mp3', container = 'mp3', bitrate_bps = 128000, size_bytes = 5, integrated_lufs = -14, true_peak_dbtp = -1,
       range_lu = 5, metadata_quality = 0.5, source_url = 'https://example.org/a', source_filename = 'a.mp3' where id = $1`,
    [trackId]
  )
  await server.sql("insert into blob (sha256, size_bytes, created_at) values ($1, 5, now()) on conflict do nothing", ["cd".repeat(32)])
  await server.sql(
    `insert into artifact (id, track_id, role, sha256, media_type, size_bytes, duration_ms, integrated_lufs, true_peak_dbtp, range_lu, quality, job_id, created_at)
     values (gen_random_uuid(), $1, 'ORIGINAL', $2, 'audio/mpeg', 5, 1000, -14, -1, 5, 'HIGH', $3, now())`,
    [trackId, "cd".repeat(32), jobId]
  )
  const ask = async (fields: string): Promise<unknown> => {
    const { data, errors } = await server.graphql(`{ tracks(first: 1) { edges { node { ${within(fields)} } } } }`)
    expect(errors).toBeUndefined()
    return data
  }
  const fields = fieldsOf(typeName)
  const together = await ask(fields.join(" "))
  let apart: unknown
  for (const field of fields) apart = merge(apart, await ask(field))
  expect(apart).toEqual(together)
  expect(fields.length).toBeGreaterThanOrEqual(12)
})
