import { execFile } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp, watch } from "../support/app.ts"
import { bundledFFmpeg, endlessSong, generatedAudio, song } from "../support/audio.ts"
import { engines } from "../support/database.ts"
import { file, type SourceServer, startSourceServer } from "../support/sourceServer.ts"

const started = `__typename
  ... on JobStartSuccess { replayed job { id kind stages { name } } }
  ... on Error { code message }
  ... on InvalidInputError { issues { path message } } ... on NotFoundError { id } ... on IdempotencyConflictError { job { id } }`

interface Started {
  readonly __typename: string
  readonly replayed?: boolean
  readonly job?: { readonly id: string; readonly kind: string; readonly stages: ReadonlyArray<{ readonly name: string }> }
  readonly issues?: ReadonlyArray<{ readonly path: ReadonlyArray<string>; readonly message: string }>
}

interface Artifact {
  readonly role: string
  readonly url: string
  readonly mediaType: string
  readonly sizeBytes: number
  readonly durationMs: number
  readonly loudness: { readonly integratedLufs: number }
  readonly waveform: { readonly jsonUrl: string; readonly samplesPerPixel: ReadonlyArray<number> } | null
  readonly producedBy: { readonly id: string }
}

describe.each(engines)("conversion on %s", (engine) => {
  let app: App
  let source: SourceServer
  let track: string

  const mutate = async (field: string, id: string, options: object | null, idempotencyKey?: string): Promise<Started> => {
    const type = field === "trackTrim" ? "TrimOptions" : "TranscodeOptions!"
    const answer = await app.query<Record<string, Started>>(
      `mutation($id: ID!, $options: ${type}, $key: String) { ${field}(id: $id, options: $options, idempotencyKey: $key) { ${started} } }`,
      { id, options, key: idempotencyKey }
    )
    return answer[field] as Started
  }
  const artifacts = async (id: string, role: string): Promise<ReadonlyArray<Artifact>> =>
    (await app.query<{ track: { artifacts: ReadonlyArray<Artifact> } }>(
      `query($id: ID!, $role: ArtifactRole) { track(id: $id) { artifacts(role: $role) {
        role url mediaType sizeBytes durationMs loudness { integratedLufs } waveform { jsonUrl samplesPerPixel } producedBy { id } } } }`,
      { id, role }
    )).track.artifacts
  const importFile = async (path: string): Promise<string> => {
    const { answer, last } = await importToEnd(app, { source: { url: source.url(path) }, allowDuplicate: true })
    expect(last?.__typename).toBe("JobSucceededEvent")
    return answer.track?.id ?? ""
  }

  beforeAll(async () => {
    source = await startSourceServer({
      "/song.mp3": file(await song("converted.mp3", { seconds: 5, tags: { title: "Metal, “Ünter” 音楽", artist: "Tommi" } })),
      "/long.mp3": file(await endlessSong("very-long.mp3", 1800)),
      "/framed.flac": file(await generatedAudio("framed-song.flac", "aevalsrc=exprs='if(between(n\\,48000\\,143999)\\,0.5*sin(n/20)\\,0)':s=48000:d=4")),
      "/silence.flac": file(await generatedAudio("only-silence.flac", "anullsrc=r=44100:cl=mono", ["-t", "2"]))
    })
    app = await startApp(engine, { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host })
    track = await importFile("/song.mp3")
  })
  afterAll(async () => {
    await app.stop()
    await source.close()
  })

  it.each([
    ["MP3", "audio/mpeg", "mp3"],
    ["FLAC", "audio/flac", "flac"],
    ["WAV", "audio/wav", "wav"],
    ["AAC", "audio/mp4", "m4a"],
    ["OPUS", "audio/ogg", "opus"],
    ["OGG", "audio/ogg", "ogg"]
  ])("makes %s of a track, to be played and downloaded, with its waveform", async (format, mediaType, extension) => {
    const answer = await mutate("trackTranscode", track, { format })
    expect(answer).toMatchObject({ __typename: "JobStartSuccess", replayed: false, job: { kind: "TRANSCODE", stages: ["PROBE", "TRANSCODE", "ANALYZE", "STORE"].map((name) => ({ name })) } })
    expect((await watch(app, answer.job?.id ?? "")).at(-1)?.__typename).toBe("JobSucceededEvent")
    const made = (await artifacts(track, "TRANSCODED")).find((artifact) => artifact.producedBy.id === answer.job?.id)
    expect(made).toMatchObject({ mediaType, waveform: { samplesPerPixel: [256, 1024, 4096, 16_384] } })
    expect(Math.abs((made?.durationMs ?? 0) - 5000)).toBeLessThan(80)
    expect(made?.loudness.integratedLufs).toBeGreaterThan(-25)
    const response = await fetch(`${made?.url}?download`)
    expect(response.headers.get("content-type")).toBe(mediaType)
    expect(response.headers.get("content-disposition")).toContain(`filename*=UTF-8''${encodeURIComponent(`Metal, “Ünter” 音楽.${extension}`)}`)
    const bytes = Buffer.from(await response.arrayBuffer())
    expect(bytes.length).toBe(made?.sizeBytes)
    const saved = join(app.dataDir, `saved.${extension}`)
    await writeFile(saved, bytes)
    await promisify(execFile)(bundledFFmpeg, ["-v", "error", "-xerror", "-i", saved, "-f", "null", "-"])
    const drawn = await fetch(made?.waveform?.jsonUrl ?? "")
    expect(await drawn.json()).toMatchObject({ version: 2, samples_per_pixel: 256 })
    expect((await fetch(made?.waveform?.jsonUrl ?? "", { headers: { "if-none-match": drawn.headers.get("etag") ?? "" } })).status).toBe(304)
    // Several parts at once are not served: who asks for them gets the whole, which RFC 9110 (14.2) leaves to the server.
    const several = await fetch(made?.url ?? "", { headers: { range: "bytes=0-1,5-9" } })
    expect([several.status, (await several.arrayBuffer()).byteLength]).toEqual([200, made?.sizeBytes])
    const changed = await fetch(made?.url ?? "", { headers: { range: "bytes=0-1", "if-range": '"another"' } })
    expect([changed.status, (await changed.arrayBuffer()).byteLength]).toEqual([200, made?.sizeBytes])
    const known = await fetch(made?.url ?? "", { method: "HEAD" })
    expect([known.status, known.headers.get("content-length"), known.headers.get("accept-ranges")]).toEqual([200, String(made?.sizeBytes), "bytes"])
  })

  it("cuts silence off both ends, to the sample", async () => {
    const framed = await importFile("/framed.flac")
    const answer = await mutate("trackTrim", framed, { keepMs: 100 })
    expect((await watch(app, answer.job?.id ?? "")).at(-1)?.__typename).toBe("JobSucceededEvent")
    // Two seconds of sound, one tenth before and behind; the sine begins and ends at zero, so a sample or two less.
    const [made] = await artifacts(framed, "TRIMMED")
    expect(made).toMatchObject({ mediaType: "audio/flac", durationMs: 2200 })
    const plain = await mutate("trackTrim", framed, null)
    expect((await watch(app, plain.job?.id ?? "")).at(-1)?.__typename).toBe("JobSucceededEvent")
    expect((await artifacts(framed, "TRIMMED")).map(({ durationMs }) => durationMs)).toEqual([2200, 2100])
  })

  it("says when nothing would be left, and keeps nothing", async () => {
    const silent = await importFile("/silence.flac")
    const before = await app.files()
    const answer = await mutate("trackTrim", silent, {})
    expect((await watch(app, answer.job?.id ?? "")).at(-1)).toMatchObject({ __typename: "JobFailedEvent", failure: { code: "AUDIO_PROCESSING_FAILED", message: expect.stringContaining("nothing would be left") } })
    expect(await app.files()).toEqual(before)
  })

  it.each([
    ["trackTranscode", { format: "MP3", bitrateKbps: 100 }, ["options", "bitrateKbps"]],
    ["trackTranscode", { format: "FLAC", bitrateKbps: 320 }, ["options", "bitrateKbps"]],
    ["trackTranscode", { format: "OPUS", sampleRateHz: 44_100 }, ["options", "sampleRateHz"]],
    ["trackTrim", { thresholdDb: 0.1 }, ["options", "thresholdDb"]],
    ["trackTrim", { thresholdDb: -120.1 }, ["options", "thresholdDb"]],
    ["trackTrim", { keepMs: -1 }, ["options", "keepMs"]],
    ["trackTrim", { keepMs: 10_001 }, ["options", "keepMs"]]
  ])("refuses %s with %j", async (field, options, path) => {
    expect(await mutate(field, track, options)).toMatchObject({ __typename: "InvalidInputError", issues: [{ path }] })
  })

  it("is done once under one idempotency key, and only on a track that is there and ready", async () => {
    const [one, two] = await Promise.all([mutate("trackTranscode", track, { format: "WAV" }, "k"), mutate("trackTranscode", track, { format: "WAV" }, "k")])
    expect(one.job?.id).toBe(two.job?.id)
    expect([one.replayed, two.replayed].toSorted()).toEqual([false, true])
    expect(await mutate("trackTranscode", track, { format: "MP3" }, "k")).toMatchObject({ __typename: "IdempotencyConflictError", job: { id: one.job?.id } })
    expect(await mutate("trackTrim", "nonsense", null)).toMatchObject({ __typename: "NotFoundError", id: "nonsense" })
    const nobody = Buffer.from("Track:00000000-0000-7000-8000-000000000000").toString("base64url")
    expect(await mutate("trackTranscode", nobody, { format: "MP3" })).toMatchObject({ __typename: "NotFoundError", id: nobody })
    const { answer } = await importToEnd(app, { source: { url: source.url("/missing.mp3") } })
    expect(await mutate("trackTrim", answer.track?.id ?? "", null)).toMatchObject({ __typename: "ConflictError", message: expect.stringContaining("FAILED") })
    await watch(app, one.job?.id ?? "")
  })

  it("that is cancelled in its middle leaves nothing", async () => {
    const long = await importFile("/long.mp3")
    const before = await app.files()
    const answer = await mutate("trackTranscode", long, { format: "OPUS" })
    for await (const event of app.subscribe<{ __typename: string; stage?: { name: string } }>(
      `subscription($id: ID!) { jobEvents(jobId: $id) { __typename ... on StageProgressedEvent { stage { name } } } }`,
      { id: answer.job?.id }
    )) {
      if (event.__typename === "StageProgressedEvent" && event.stage?.name === "TRANSCODE") break
    }
    await app.query("mutation($id: ID!) { jobCancel(id: $id) { __typename } }", { id: answer.job?.id })
    expect((await watch(app, answer.job?.id ?? "")).at(-1)?.__typename).toBe("JobCancelledEvent")
    expect(await artifacts(long, "TRANSCODED")).toEqual([])
    expect(await app.files()).toEqual(before)
  })
})
