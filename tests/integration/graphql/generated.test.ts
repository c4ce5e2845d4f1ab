import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { type GraphQLField, isObjectType, parse } from "graphql"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { globalId, type NodeType } from "../../../src/domain/globalId.ts"
import { parseGlobalId } from "../../../src/graphql/ids.ts"
import { schema } from "../../../src/graphql/schema.ts"
import { type App, startApp } from "../../support/app.ts"
import { answerFaults } from "../../support/generated/answerFaults.ts"
import { type GeneratedOperation, operationOf } from "../../support/generated/operations.ts"
import type { Known } from "../../support/generated/values.ts"

/** Of all root fields together; GENERATED_OPERATIONS=20000 GENERATED_SEED=1 looks for longer, and elsewhere. */
const total = Number(process.env["GENERATED_OPERATIONS"] ?? 2_000)
const seed = Number(process.env["GENERATED_SEED"] ?? 20_260)

const roots = (["query", "mutation"] as const).flatMap((kind) =>
  Object.values(schema.getRootType(kind as never)?.getFields() ?? {}).map((field) => ({ kind, name: field.name, field: field as GraphQLField<unknown, unknown> })))
/** The type of the ids that a root field is likely to take. */
const wantedBy = (name: string): string =>
  name === "webhookRedeliver" ? "WebhookDelivery" : [["track", "Track"], ["job", "Job"], ["webhook", "WebhookEndpoint"], ["apiKey", "ApiKey"]].find(([prefix]) => name.startsWith(prefix ?? ""))?.[1] ?? ""
/** A tenth of a second of silence, in 16 bits at 8 kHz. */
const wav = Buffer.concat([
  Buffer.from("RIFF\xe4\x06\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x40\x06\0\0", "latin1"),
  Buffer.alloc(1_600)
])
const runs = Math.ceil(total / roots.length)

interface Answer {
  readonly data?: unknown
  readonly errors?: ReadonlyArray<{ readonly message?: unknown; readonly extensions?: { readonly code?: unknown } }>
}

const isRefusal = ({ extensions, message }: NonNullable<Answer["errors"]>[number]): boolean =>
  typeof message === "string" && typeof extensions?.code === "string" && extensions.code !== "INTERNAL"

describe("any operation at all", () => {
  let app: App
  let importDir: string
  const known: Known = { ids: new Map(), cursors: [], wanted: "" }
  const covered = new Set<string>()
  const unhandled: Array<unknown> = []
  const note = (reason: unknown) => { unhandled.push(reason) }
  let serial = 0

  const remember = (type: string, uuid: string): void => {
    known.ids.set(type, [...known.ids.get(type) ?? [], globalId(type as NodeType, uuid)].slice(-8))
  }

  /** A track with all that can belong to it, a failed job and one that waits. */
  const seedLibrary = async (): Promise<void> => {
    const n = (serial += 1)
    const id = (kind: number) => `019a0000-0000-7000-800${kind}-${String(n).padStart(12, "0")}`
    const sha256 = n.toString(16).padStart(64, "0")
    const [track, failed, waiting, artifact, incident] = [id(1), id(2), id(3), id(4), id(5)]
    await app.sql(`insert into track (id, status, source_kind, source_url, title, artist, genres, tags, year, duration_ms, size_bytes, integrated_lufs, true_peak_dbtp, range_lu, created_at, updated_at)
      values ('${track}', 'READY', 'URL', 'https://example.org/a.mp3', 'Song ${n}', 'Somebody', '{Dub}', '{fine}', ${1990 + n % 30}, 1000, 5000000000, -14, -1, 6, now(), now())`)
    await app.sql(`insert into job (id, kind, status, priority, track_id, options, failure, last_sequence, created_at, updated_at, started_at, finished_at)
      values ('${failed}', 'TRIM', 'FAILED', 1, '${track}', '{"thresholdDb":-60,"keepMs":50}', '{"_tag":"TimedOutError","message":"Too slow.","timeoutMs":10,"stage":null}', 2, now(), now(), now(), now())`)
    await app.sql(`insert into job (id, kind, status, priority, track_id, retry_of, options, last_sequence, created_at, updated_at)
      values ('${waiting}', 'TRIM', 'QUEUED', 1, ${n % 2 === 0 ? "null" : `'${track}'`}, '${failed}', '{"thresholdDb":-60,"keepMs":50}', 1, now(), now())`)
    await app.sql(`insert into job_stage (job_id, position, name, status) values ('${failed}', 0, 'VALIDATE', 'FAILED'), ('${waiting}', 0, 'VALIDATE', 'PENDING')`)
    await app.sql(`insert into job_event (job_id, sequence, kind, data, dedupe_key, at) values ('${failed}', 1, 'JobQueuedEvent', '{}', 'q', now()), ('${waiting}', 1, 'JobQueuedEvent', '{}', 'q', now()),
      ('${failed}', 2, 'JobFailedEvent', '{"failure":{"_tag":"TimedOutError","message":"Too slow.","timeoutMs":10,"stage":null}}', 'f', now())`)
    await app.sql(`insert into blob (sha256, size_bytes, created_at) values ('${sha256}', 5000000000, now())`)
    await app.sql(`insert into artifact (id, track_id, role, sha256, media_type, size_bytes, job_id, integrated_lufs, true_peak_dbtp, range_lu, created_at)
      values ('${artifact}', '${track}', 'ORIGINAL', '${sha256}', 'audio/flac', 5000000000, '${failed}', -14, -1, 6, now())`)
    await app.sql(`insert into waveform (artifact_id, samples_per_pixel, sha256) values ('${artifact}', 256, '${sha256}'), ('${artifact}', 1024, '${sha256}')`)
    await app.sql(`insert into incident (id, subject, cause, provider, opened_at, resolved_at, error_count, changed_at) values ('${incident}', 'circuit:p${n}', 'open', 'p${n}', now(), now(), 2, now())`)
    await app.sql(`insert into failure_hour (hour, code, stage, provider, count, unhandled, recovered, recovery_ms, last_seen_at, sample_job_id)
      values (date_trunc('hour', now(), 'UTC'), 'TIMED_OUT', 'TRIM', 'p${n}', 2, 0, 1, 12.5, now(), '${failed}')`)
    await app.sql(`insert into webhook_endpoint (id, url, topics, secret, created_at) values ('${id(6)}', 'http://127.0.0.1:1/', '{JOB_FAILED}', 'whsec_AAAA', now())`)
    await app.sql(`insert into webhook_delivery (id, endpoint_id, topic, body, created_at, retry_until) values ('${id(7)}', '${id(6)}', 'JOB_FAILED', '{}', now(), now())`)
    const all = { Track: track, Job: waiting, Artifact: artifact, Incident: incident, WebhookEndpoint: id(6), WebhookDelivery: id(7) } as const
    for (const [type, uuid] of Object.entries(all)) remember(type, uuid)
    remember("Job", failed)
  }

  beforeAll(async () => {
    process.on("unhandledRejection", note)
    importDir = await mkdtemp(join(tmpdir(), "playhead-generated-"))
    await writeFile(join(importDir, "song.wav"), wav)
    // Nothing is worked on, so that an operation costs no more than its answer.
    app = await startApp("pglite", { PLAYHEAD_ROLES: "api", PLAYHEAD_IMPORT_DIR: importDir, PLAYHEAD_ALLOW_PRIVATE_SOURCES: "127.0.0.1", LOG_LEVEL: "fatal" })
    for (let n = 0; n < 25; n += 1) await seedLibrary()
    const { tracks, jobs } = await app.query<Record<"tracks" | "jobs", { edges: ReadonlyArray<{ cursor: string }> }>>(
      "{ tracks(first: 5, orderBy: { field: TITLE }) { edges { cursor } } jobs(first: 5) { edges { cursor } } }"
    )
    for (const { cursor } of [...tracks.edges, ...jobs.edges]) known.cursors.push(cursor)
  }, 120_000)

  beforeEach(seedLibrary)

  afterAll(async () => {
    await app?.stop()
    await rm(importDir, { recursive: true, force: true })
    process.off("unhandledRejection", note)
  })

  /** Ids and cursors of an answer are asked for by those that follow. */
  const harvest = (value: unknown, key = ""): void => {
    if (typeof value === "object" && value !== null) for (const [name, inner] of Object.entries(value)) harvest(inner, name)
    else if (typeof value === "string" && /cursor$/i.test(key)) known.cursors.splice(0, known.cursors.length, ...[...known.cursors, value].slice(-40))
    else if (typeof value === "string" && /(^|_)id$/.test(key)) {
      const parsed = parseGlobalId(value)
      if (parsed !== undefined && known.ids.get(parsed.type)?.includes(value) !== true) remember(parsed.type, parsed.id)
    }
  }

  const send = ({ query, variables }: GeneratedOperation): Promise<Response> => {
    const body = JSON.stringify({ query, variables })
    const upload = Object.entries(variables).find(([, value]) => typeof value === "object" && value !== null && "file" in value && value.file === null)
    if (upload === undefined) return fetch(`${app.url}/graphql`, { method: "POST", headers: { "content-type": "application/json" }, body })
    const form = new FormData()
    form.set("operations", body)
    form.set("map", JSON.stringify({ 0: [`variables.${upload[0]}.file`] }))
    form.set("0", new Blob([wav]), "song.wav")
    return fetch(`${app.url}/graphql`, { method: "POST", body: form })
  }

  it.each(roots)("of $kind { $name } is answered as the schema says, or refused for a reason", async ({ field, kind, name }) => {
    known.wanted = wantedBy(name)
    let answered = 0
    await fc.assert(
      fc.asyncProperty(fc.gen(), async (g) => {
        const operation = operationOf(g, schema, kind, field, known)
        const response = await send(operation)
        const text = await response.text()
        const { data = null, errors = [] } = JSON.parse(text) as Answer
        const found = [
          ...(response.status < 500 ? [] : ["The status is that of a server at fault."]),
          ...errors.filter((error) => !isRefusal(error)).map((error) => `This is no refusal: ${JSON.stringify(error)}`),
          ...(data !== null ? answerFaults(schema, parse(operation.query), data, covered) : errors.length === 0 ? ["There is neither data nor an error."] : []),
          ...unhandled.map((reason) => `Nobody handled a rejection: ${String(reason)}`)
        ]
        expect(found.map((fault) => `${fault}\n${JSON.stringify(operation).slice(0, 3_000)}\n${response.status} ${text.slice(0, 2_000)}`)).toEqual([])
        harvest(data)
        if (data !== null && errors.length === 0) answered += 1
      }),
      { seed, numRuns: runs, endOnFailure: true }
    )
    // One that is refused whatever is asked would say nothing.
    expect(answered).toBeGreaterThan(runs / 4)
  }, 120_000)

  it("reaches most of the fields that a library like this one can have values in", () => {
    const elsewhere = /Event\.|Error\.|^Subscription\.|^__/
    const fields = Object.values(schema.getTypeMap()).filter(isObjectType).flatMap((type) => Object.keys(type.getFields()).map((name) => `${type.name}.${name}`)).filter((name) => !elsewhere.test(name))
    const reached = fields.filter((name) => covered.has(name))
    expect(reached.length / fields.length).toBeGreaterThan(0.7)
  })
})
