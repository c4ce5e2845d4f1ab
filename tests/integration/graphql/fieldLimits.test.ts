/** Every argument and every input field of every mutation, with what it takes at its limits and refuses beyond them. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { getNamedType, type GraphQLArgument, type GraphQLInputField, type GraphQLNamedInputType, isEnumType, isInputObjectType, isListType, isNonNullType, isNullableType, isRequiredInputField } from "graphql"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { globalId, type NodeType } from "../../../src/domain/globalId.ts"
import { parseGlobalId } from "../../../src/graphql/ids.ts"
import { schema } from "../../../src/graphql/schema.ts"
import { type App, startApp } from "../../support/app.ts"
import { type Answer, blunders, refusedFaults, short, takenFaults } from "./fieldLimits/judge.ts"
import { address, beyondDouble, boolean, choice, type FieldRule, float, id, input, int, isMade, key, labels, text, value, values } from "./fieldLimits/rules.ts"

const mutations = schema.getMutationType()?.getFields() ?? {}

/** Each argument and input field by its way from the mutation: `trackImportBatch.inputs.0.source.url`. */
const fieldsOf = (way: string, fields: ReadonlyArray<GraphQLArgument | GraphQLInputField>): ReadonlyArray<readonly [string, GraphQLArgument | GraphQLInputField]> =>
  fields.flatMap((field) => {
    const here = `${way}.${field.name}`
    const type: GraphQLNamedInputType = getNamedType(field.type)
    const inner = isListType(isNonNullType(field.type) ? field.type.ofType : field.type) ? `${here}.0` : here
    return [[here, field] as const, ...(isInputObjectType(type) ? fieldsOf(inner, Object.values(type.getFields())) : [])]
  })
const fields = new Map(Object.values(mutations).flatMap((mutation) => fieldsOf(mutation.name, mutation.args)))

/** The names of an enum, so that one that is added is tried too. */
const members = (name: string): ReadonlyArray<string> => {
  const type = schema.getType(name)
  return isEnumType(type) ? type.getValues().map((member) => member.name) : []
}

/** A tenth of a second of silence, in 16 bits at 8 kHz, and zeros behind it up to a size. */
const wav = (sizeBytes = 1_644) => {
  const header = Buffer.from("RIFF\xe4\x06\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x40\x06\0\0", "latin1")
  return Buffer.concat([header, Buffer.alloc(sizeBytes - header.length)])
}
const mebibyte = 1_048_576

let app: App
let importDir = ""
let serial = 0

const newId = () => `019a0000-0000-7000-8000-${String((serial += 1)).padStart(12, "0")}`
const absent = "019a0000-0000-7000-8000-ffffffffffff"

const made = {
  Track: async () => {
    const track = newId()
    await app.sql(`insert into track (id, status, source_kind, source_url, title, sample_rate_hz, channels, created_at, updated_at)
      values ('${track}', 'READY', 'URL', 'https://example.org/a.mp3', 'Before', 44100, 2, now(), now())`)
    const artifact = newId()
    const sha256 = track.replaceAll("-", "").padStart(64, "0")
    await app.sql(`insert into blob (sha256, size_bytes, created_at) values ('${sha256}', 5000, now())`)
    await app.sql(`insert into artifact (id, track_id, role, sha256, media_type, size_bytes, created_at) values ('${artifact}', '${track}', 'ORIGINAL', '${sha256}', 'audio/flac', 5000, now())`)
    return globalId("Track", track)
  },
  job: (status: string, ended: string) => async () => {
    const job = newId()
    const track = parseGlobalId(await made.Track())?.id
    await app.sql(`insert into job (id, kind, status, priority, track_id, options, last_sequence, created_at, updated_at, finished_at)
      values ('${job}', 'TRIM', '${status}', 1, '${track}', '{"thresholdDb":-60,"keepMs":50}', 1, now(), now(), ${ended})`)
    await app.sql(`insert into job_stage (job_id, position, name, status) values ('${job}', 0, 'VALIDATE', 'PENDING')`)
    return globalId("Job", job)
  },
  WebhookEndpoint: async () => {
    const endpoint = newId()
    await app.sql(`insert into webhook_endpoint (id, url, topics, secret, created_at) values ('${endpoint}', 'http://127.0.0.1:1/', '{JOB_FAILED}', 'whsec_AAAA', now())`)
    return globalId("WebhookEndpoint", endpoint)
  },
  WebhookDelivery: async () => {
    const [endpoint, delivery] = [newId(), newId()]
    await app.sql(`insert into webhook_endpoint (id, url, topics, secret, created_at) values ('${endpoint}', 'http://127.0.0.1:1/', '{JOB_FAILED}', 'whsec_AAAA', now())`)
    await app.sql(`insert into webhook_delivery (id, endpoint_id, topic, body, created_at, retry_until) values ('${delivery}', '${endpoint}', 'JOB_FAILED', '{}', now(), now())`)
    return globalId("WebhookDelivery", delivery)
  },
  ApiKey: async () => {
    const { apiKeyCreate } = await app.query<{ apiKeyCreate: { apiKey: { id: string } } }>(`mutation { apiKeyCreate(name: "one", scopes: [READ]) { ... on ApiKeyCreateSuccess { apiKey { id } } } }`)
    return apiKeyCreate.apiKey.id
  }
} as const
const waitingJob = made.job("QUEUED", "null")
const failedJob = made.job("FAILED", "now()")

/** One of each type that there is, for the fields that want another. */
const existing = new Map<string, string>()
const idOf = (type: NodeType, make: () => Promise<string>): FieldRule => id(make, () => [...existing].filter(([other]) => other !== type).map(([, each]) => each), globalId(type, absent))

const source = { url: "http://127.0.0.1/a.mp3" }
const upload = () => new File([wav()], "song.wav")

interface Mutation {
  /** Arguments that are right. */
  readonly args: () => Promise<Readonly<Record<string, unknown>>>
  readonly shows?: string
}

const trackShown = "track { title artist album tags }"

/** What each mutation is sent besides the field in question. */
const sent: Readonly<Record<string, Mutation>> = {
  apiKeyCreate: { args: async () => ({ name: "a key", scopes: ["READ"] }), shows: "apiKey { name scopes expiresAt }" },
  apiKeyRevoke: { args: async () => ({ id: await made.ApiKey() }) },
  jobCancel: { args: async () => ({ id: await waitingJob() }) },
  jobPrioritize: { args: async () => ({ id: await waitingJob(), priority: "LOW" }), shows: "job { priority }" },
  jobRetry: { args: async () => ({ id: await failedJob() }) },
  trackDelete: { args: async () => ({ id: await made.Track() }) },
  trackEnhance: { args: async () => ({ id: await made.Track(), options: {} }) },
  trackImport: { args: async () => ({ input: { source } }), shows: `${trackShown} job { priority }` },
  trackImportBatch: { args: async () => ({ inputs: [{ source }] }), shows: `${trackShown} job { priority }` },
  trackTranscode: { args: async () => ({ id: await made.Track(), options: { format: "MP3" } }) },
  trackTrim: { args: async () => ({ id: await made.Track(), options: {} }) },
  trackUpdate: { args: async () => ({ id: await made.Track(), input: {} }), shows: "track { title artist album albumArtist genres year trackNumber tags language }" },
  trackUpload: { args: async () => ({ input: { file: upload(), allowDuplicate: true } }), shows: trackShown },
  webhookCreate: { args: async () => ({ url: "https://receiver.example/", topics: ["JOB_FAILED"] }), shows: "endpoint { url topics }" },
  webhookDelete: { args: async () => ({ id: await made.WebhookEndpoint() }) },
  webhookRedeliver: { args: async () => ({ deliveryId: await made.WebhookDelivery() }) }
}

const priorities = choice(members("JobPriority"), { shownAt: "job.priority" })
const described = (way: string): Readonly<Record<string, FieldRule>> => ({
  [`${way}.title`]: text(200, { shownAt: "track.title" }),
  [`${way}.artist`]: text(200, { shownAt: "track.artist" }),
  [`${way}.album`]: text(200, { shownAt: "track.album" }),
  [`${way}.tags`]: labels(50, 50, { shownAt: "track.tags" }),
  [`${way}.allowDuplicate`]: { ...boolean, or: ["DuplicateTrackError"] },
  [`${way}.idempotencyKey`]: key()
})
const imported = (way: string): Readonly<Record<string, FieldRule>> => ({
  ...described(way),
  [`${way}.priority`]: priorities,
  [`${way}.source`]: { refuses: { graphql: [{}, { url: null }, { ...source, file: "song.wav" }, { url: null, file: "song.wav" }, 5, "http://127.0.0.1:1/", [source, source]] } },
  [`${way}.source.url`]: address("127.0.0.1"),
  // Where it is not set up nothing is said of the rest.
  [`${way}.source.videoPage`]: address("127.0.0.1", { or: ["NotConfiguredError"], refuses: { ...address("127.0.0.1").refuses, SourceBlockedError: [] } }),
  [`${way}.source.file`]: {
    takes: values("song.wav", "./song.wav", " song.wav ", "😀.wav", `${"./".repeat(496)}song.wav`),
    refuses: {
      "": ["", "x".repeat(1_001), "😀".repeat(1_001), "x".repeat(100_000), "a\0b", "\ud800", "directory"],
      NotFoundError: [" ", "song.wav ", "../song.wav", "/etc/passwd", "x".repeat(1_000), "😀".repeat(1_000), "SONG.WAV/", "\u202esong.wav"],
      graphql: [5, true, {}, ["a", "b"]]
    },
    says: /1 to 1000 characters|control characters|regular file/u
  },
  [`${way}.source.upload`]: { refuses: { NotFoundError: ["", " ", "rubbish", "x".repeat(10_000), "\0", "\ud800", 5, absent, "/uploads/", `/uploads/${absent}`, globalId("Track", absent)], graphql: [1.5, true, {}] } }
})
const file = (content: Uint8Array, name = "song.wav") => new File([Uint8Array.from(content)], name)

const table: Readonly<Record<string, FieldRule>> = {
  "apiKeyCreate.name": text(200, { shownAt: "apiKey.name" }),
  "apiKeyCreate.scopes": { takes: [...values(["READ"], members("ApiKeyScope")), value(Array.from({ length: 1_000 }).fill("READ"), ["READ"]), value("READ", ["READ"])], refuses: { "": [[]], graphql: [["OWNER"], [""], ["read"], [null], [1], {}] }, says: /needs a scope/u, shownAt: "apiKey.scopes" },
  "apiKeyCreate.expiresAt": {
    takes: [...values("2999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z", "2028-02-29T00:00:00.000Z"), value("2999-01-01T00:00:00+01:00", "2998-12-31T23:00:00.000Z")],
    refuses: {
      "": ["1970-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "2026-01-01T00:00:00Z"],
      graphql: ["2999-02-29T00:00:00Z", "2999-04-31T00:00:00Z", "2999-13-01T00:00:00Z", "2999-01-01T24:00:00Z", "2999-01-01T00:00:60Z", "9999-12-31T23:59:59-01:00", "+275760-09-13T00:00:00Z", "2999-01-01", "2999-01-01T00:00:00", "now", "", "infinity", "x".repeat(10_000), 32_503_680_000_000, true, {}]
    },
    says: /future/u,
    shownAt: "apiKey.expiresAt"
  },
  "apiKeyRevoke.id": idOf("ApiKey", made.ApiKey),
  "jobCancel.id": idOf("Job", waitingJob),
  "jobPrioritize.id": idOf("Job", waitingJob),
  "jobPrioritize.priority": priorities,
  "jobRetry.id": idOf("Job", failedJob),
  "jobRetry.fromStage": choice(members("StageName"), { or: ["ConflictError"] }),
  "trackDelete.id": idOf("Track", made.Track),
  "trackEnhance.id": idOf("Track", made.Track),
  "trackEnhance.idempotencyKey": key(),
  "trackEnhance.options": input,
  "trackEnhance.options.denoise": boolean,
  "trackEnhance.options.minimumQuality": choice(members("QualityTier"), { or: ["NotConfiguredError"] }),
  "trackEnhance.options.quality": choice(members("QualityTier")),
  "trackEnhance.options.targetLufs": float(-40, -5),
  "trackEnhance.options.truePeakDbtp": float(-9, 0),
  "trackImport.input": input,
  ...imported("trackImport.input"),
  "trackImportBatch.inputs": {
    takes: values(Array.from({ length: 100 }, () => ({ source }))),
    refuses: { INVALID_INPUT: [Array.from({ length: 101 }, () => ({ source }))], graphql: [[null], [5], "x", [{}], [{ source, noSuchField: 1 }]] },
    says: /100/u
  },
  ...imported("trackImportBatch.inputs.0"),
  "trackTranscode.id": idOf("Track", made.Track),
  "trackTranscode.idempotencyKey": key(),
  "trackTranscode.options": input,
  "trackTranscode.options.format": choice(members("AudioFormat")),
  "trackTranscode.options.bitrateKbps": { takes: values(32, 320), refuses: { "": [0, -1, 1, 31, 33, 321, 2_147_483_647, -2_147_483_648], graphql: [2_147_483_648, 1.5, 1e308, beyondDouble, "128"] }, says: /one of 32, .*320 kbit/u },
  "trackTranscode.options.sampleRateHz": { takes: values(8_000, 44_100, 48_000), refuses: { "": [0, -1, 1, 7_999, 44_101, 192_000, 2_147_483_647, -2_147_483_648], graphql: [2_147_483_648, 1.5, 1e308, beyondDouble, "48000"] }, says: /one of 8000, .*48000 Hz/u },
  "trackTrim.id": idOf("Track", made.Track),
  "trackTrim.idempotencyKey": key(),
  "trackTrim.options": input,
  "trackTrim.options.keepMs": int(0, 10_000),
  "trackTrim.options.thresholdDb": float(-120, 0),
  "trackUpdate.id": idOf("Track", made.Track),
  "trackUpdate.input": { ...input, takes: values({}) },
  "trackUpdate.input.title": text(200, { shownAt: "track.title", noNull: true }),
  "trackUpdate.input.artist": text(200, { shownAt: "track.artist" }),
  "trackUpdate.input.album": text(200, { shownAt: "track.album" }),
  "trackUpdate.input.albumArtist": text(200, { shownAt: "track.albumArtist" }),
  "trackUpdate.input.genres": labels(20, 50, { shownAt: "track.genres" }),
  "trackUpdate.input.tags": labels(50, 50, { shownAt: "track.tags" }),
  "trackUpdate.input.year": int(1, 9_999, { shownAt: "track.year" }),
  "trackUpdate.input.trackNumber": int(1, 9_999, { shownAt: "track.trackNumber" }),
  "trackUpdate.input.language": {
    takes: values("en", "pt-BR", "zh-Hant-TW", "abcdefgh-12345678-12345678-12345678"),
    refuses: { "": ["", " ", "e", "abcdefghi", "en_GB", "en-", "en-123456789", "a-b-c-d-e", "no language", "español", "\0", "\ud800", "x".repeat(100_000)], graphql: [5, true, {}] },
    says: /such as en or pt-BR/u,
    shownAt: "track.language"
  },
  "trackUpdate.input.version": { takes: values(1), refuses: { ConflictError: [0, -1, 2, 2_147_483_647, -2_147_483_648], graphql: [2_147_483_648, 1.5, "1", beyondDouble] } },
  "trackUpload.input": input,
  ...described("trackUpload.input"),
  "trackUpload.input.file": {
    takes: [file(wav(mebibyte)), ...["", " ", "😀.wav", "\u202egnp.exe", "../../etc/passwd", "x".repeat(10_000)].map((name) => file(wav(), name))].map((given) => value(given)),
    refuses: { TooLargeError: [file(wav(mebibyte + 1))], UnsupportedMediaError: [file(Buffer.alloc(0)), file(Buffer.from("no audio")), file(wav().subarray(0, 3))], graphql: ["song.wav", 5, {}, { stream: null, name: "x" }] }
  },
  "webhookCreate.topics": { takes: [...values(["JOB_FAILED"], members("WebhookTopic")), value(Array.from({ length: 1_000 }).fill("JOB_FAILED"), ["JOB_FAILED"])], refuses: { "": [[]], graphql: [["job.failed"], [""], [null], [1], {}] }, says: /at least one/u, shownAt: "endpoint.topics" },
  "webhookCreate.url": address("receiver.example", { shownAt: "endpoint.url" }),
  "webhookDelete.id": idOf("WebhookEndpoint", made.WebhookEndpoint),
  "webhookRedeliver.deliveryId": idOf("WebhookDelivery", made.WebhookDelivery)
}

/** The same with another value at a place; undefined leaves it out. */
const withValue = (target: unknown, [step, ...rest]: ReadonlyArray<string>, given: unknown): unknown => {
  if (step === undefined) return given
  if (Array.isArray(target)) return target.map((item, index) => String(index) === step ? withValue(item, rest, given) : item)
  const { [step]: old, ...others } = (target ?? {}) as Readonly<Record<string, unknown>>
  // Of the sources there can be one.
  if (step === "source" && rest.length > 0) return { ...others, source: { [rest[0] ?? ""]: given } }
  const now = withValue(old, rest, given)
  return now === undefined ? others : { ...others, [step]: now }
}

const send = async (way: string, given: unknown): Promise<Answer> => {
  const [name = "", ...steps] = way.split(".")
  const { args, shows = "" } = sent[name] ?? { args: async () => ({}) }
  const variables = withValue(await args(), steps, isMade(given) ? await given.make() : given)
  const mutation = mutations[name]
  const members = schema.getPossibleTypes(getNamedType(mutation?.type) as never)
  const success = members.find((member) => member.name.endsWith("Success"))?.name
  const query = `mutation (${mutation?.args.map((arg) => `$${arg.name}: ${String(arg.type)}`).join(", ")}) { result: ${name}(${mutation?.args.map((arg) => `${arg.name}: $${arg.name}`).join(", ")}) {
    __typename ... on Error { code message } ${members.some((member) => member.name === "InvalidInputError") ? "... on InvalidInputError { issues { path message } }" : ""} ${shows === "" ? "" : `... on ${success} { ${shows} }`}
  } }`
  const files: Array<File> = []
  const operations = JSON.stringify({ query, variables }, (_, part: unknown) => part instanceof File ? (files.push(part), null) : part).replaceAll(`"${beyondDouble}"`, "1e999")
  const form = new FormData()
  form.set("operations", operations)
  form.set("map", JSON.stringify({ 0: ["variables.input.file"] }))
  for (const part of files) form.set("0", part)
  const response = await fetch(`${app.url}/graphql`, files.length > 0 ? { method: "POST", body: form } : { method: "POST", headers: { "content-type": "application/json" }, body: operations })
  const { data, errors = [] } = await response.json() as { readonly data?: { readonly result: Answer["result"] | ReadonlyArray<Answer["result"]> } | null; readonly errors?: Answer["errors"] }
  const result = data?.result ?? null
  return { status: response.status, errors, result: Array.isArray(result) ? result[0] : result as Answer["result"] }
}

describe("every field of every mutation", () => {
  beforeAll(async () => {
    importDir = await mkdtemp(join(tmpdir(), "playhead-limits-"))
    await Promise.all(["song.wav", " song.wav ", "😀.wav"].map((name) => writeFile(join(importDir, name), wav())))
    await mkdir(join(importDir, "directory"))
    // Nothing is worked on, so that a mutation costs no more than its answer.
    app = await startApp("pglite", { PLAYHEAD_ROLES: "api", PLAYHEAD_IMPORT_DIR: importDir, PLAYHEAD_ALLOW_PRIVATE_SOURCES: "127.0.0.1", MAX_UPLOAD_MB: "1", LOG_LEVEL: "fatal" })
    for (const [type, make] of Object.entries({ Track: made.Track, Job: failedJob, WebhookEndpoint: made.WebhookEndpoint, ApiKey: made.ApiKey })) existing.set(type, await make())
  }, 120_000)

  afterAll(async () => {
    await app?.stop()
    await rm(importDir, { recursive: true, force: true })
  })

  it("has its limits in this table", () => {
    expect([...fields.keys()].filter((way) => !(way in table))).toEqual([])
    expect(Object.keys(table).filter((way) => !fields.has(way))).toEqual([])
    expect(Object.keys(mutations).filter((name) => !(name in sent))).toEqual([])
    // What refuses nothing has no limits.
    expect(Object.entries(table).filter(([, { refuses = {} }]) => Object.values(refuses).flat().length === 0).map(([way]) => way)).toEqual([])
  })

  it.each(Object.entries(table).filter(([way]) => fields.has(way)))("%s takes what is at its limits and refuses what is beyond", async (way, rule) => {
    const field = fields.get(way) as GraphQLInputField
    const faults: Array<string> = []
    const note = (given: unknown, found: ReadonlyArray<string>) => faults.push(...found.map((fault) => `${short(given)}: ${fault}`))
    for (const taken of rule.takes ?? []) {
      const answer = await send(way, taken.value)
      note(taken.value, [...blunders(answer), ...takenFaults(rule, taken, answer)])
    }
    for (const [how, refused] of Object.entries(rule.refuses ?? {})) {
      for (const given of refused) {
        const answer = await send(way, given)
        note(given, [...blunders(answer), ...refusedFaults(way, rule, how, answer)])
      }
    }
    const missing = await send(way, undefined)
    const isSource = /\.source\.\w+$/u.test(way)
    note("left out", [...blunders(missing), ...(isRequiredInputField(field) || isSource ? refusedFaults(way, rule, "graphql", missing) : takenFaults({ or: ["DuplicateTrackError"] }, value(undefined), missing))])
    const none = await send(way, null)
    note(null, [
      ...blunders(none),
      ...(!isNullableType(field.type) || isSource ? refusedFaults(way, rule, "graphql", none) : rule.noNull === true ? refusedFaults(way, { ...rule, says: /without/u }, "", none) : takenFaults({ or: ["DuplicateTrackError"] }, value(null), none))
    ])
    expect(faults).toEqual([])
  }, 60_000)
})
