import { randomBytes } from "node:crypto"
import { readFile } from "node:fs/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, startApp, submitUpload, watch } from "../support/app.ts"
import { encoded, generatedAudio, songA, speech, written } from "../support/audio.ts"
import { engines } from "../support/database.ts"
import { noiseRateHz, noises } from "../support/noises.ts"
import { decoded, mixed, siSdrDb, writtenWav } from "../support/signals.ts"
import { startS3Server } from "../support/s3Server.ts"
import { wienerModel } from "../support/speechModels.ts"

const jobFields = "id kind status degraded failure { code message ... on QualityThresholdError { metric score threshold } } stages { name status quality degradedFrom }"
const started = `__typename
  ... on JobStartSuccess { replayed job { id kind stages { name } } }
  ... on Error { code message retryable }
  ... on InvalidInputError { issues { path message } } ... on NotFoundError { id } ... on NotConfiguredError { settings }`

interface Started {
  readonly __typename: string
  readonly replayed?: boolean
  readonly message?: string
  readonly settings?: ReadonlyArray<string>
  readonly job?: { readonly id: string; readonly kind: string; readonly stages: ReadonlyArray<{ readonly name: string }> }
  readonly issues?: ReadonlyArray<{ readonly path: ReadonlyArray<string>; readonly message: string }>
}
interface Job {
  readonly status: string
  readonly degraded: boolean
  readonly failure: { readonly code: string; readonly message: string; readonly metric?: string; readonly score?: number; readonly threshold?: number } | null
  readonly stages: ReadonlyArray<{ readonly name: string; readonly status: string; readonly quality: string | null; readonly degradedFrom: string | null }>
}
interface Artifact {
  readonly url: string
  readonly mediaType: string
  readonly durationMs: number
  readonly quality: string | null
  readonly loudness: { readonly integratedLufs: number; readonly truePeakDbtp: number }
  readonly waveform: { readonly samplesPerPixel: ReadonlyArray<number> } | null
  readonly producedBy: { readonly id: string }
}

const clientFor = (app: () => App) => {
  const enhance = async (id: string, options: object | null = null, key?: string) =>
    (await app().query<{ trackEnhance: Started }>(`mutation($id: ID!, $options: EnhanceOptions, $key: String) { trackEnhance(id: $id, options: $options, idempotencyKey: $key) { ${started} } }`, { id, options, key })).trackEnhance
  const jobOf = async (id: string) => (await app().query<{ job: Job }>(`query($id: ID!) { job(id: $id) { ${jobFields} } }`, { id })).job
  const enhanced = async (id: string) =>
    (await app().query<{ track: { artifacts: ReadonlyArray<Artifact> } }>(
      `query($id: ID!) { track(id: $id) { artifacts(role: ENHANCED) { url mediaType durationMs quality loudness { integratedLufs truePeakDbtp } waveform { samplesPerPixel } producedBy { id } } } }`,
      { id }
    )).track.artifacts
  return {
    enhance,
    enhanced,
    jobOf,
    upload: async (path: string) => {
      const answer = await submitUpload(app(), await readFile(path), `${randomBytes(4).toString("hex")}.wav`, { allowDuplicate: true })
      const events = await watch(app(), answer.job?.id ?? "")
      expect(events.at(-1)?.__typename).toBe("JobSucceededEvent")
      return answer.track?.id ?? ""
    },
    /** Enhances and waits. */
    result: async (id: string, options: object | null = null) => {
      const answer = await enhance(id, options)
      const jobId = answer.job?.id ?? `no job: ${JSON.stringify(answer)}`
      const events = await watch(app(), jobId)
      const steps = await app().query<{ job: { events: ReadonlyArray<{ __typename: string; from?: string; to?: string; failure?: { code: string } }> } }>(
        "query($id: ID!) { job(id: $id) { events(first: 500) { __typename ... on StageDegradedEvent { from to failure { code } } } } }", { id: jobId }
      )
      return {
        jobId, last: events.at(-1), job: await jobOf(jobId), artifact: (await enhanced(id)).at(-1),
        steps: steps.job.events.filter((event) => event.__typename === "StageDegradedEvent").map(({ failure, from, to }) => ({ from, to, code: failure?.code }))
      }
    }
  }
}

const noisySpeech = async () => {
  const voice = await decoded(speech, noiseRateHz)
  const { clean, noisy } = mixed(voice.subarray(0, 6 * noiseRateHz), await noises["pink hiss"](6), 5)
  return { clean, path: await writtenWav("e2e noisy speech.wav", noisy, noiseRateHz) }
}

describe.each(engines)("enhancement on %s", (engine) => {
  let app: App
  const { enhance, result, upload } = clientFor(() => app)
  beforeAll(async () => {
    app = await startApp(engine)
  }, 120_000)
  afterAll(() => app.stop())

  it("takes the noise from speech, brings it to the target, and keeps it as an artifact beside the original", async () => {
    const { clean, path } = await noisySpeech()
    const track = await upload(path)
    const { artifact, job, jobId, steps } = await result(track)
    expect(job).toMatchObject({ status: "SUCCEEDED", degraded: false })
    expect(job.stages.map(({ name, quality }) => [name, quality])).toEqual([["PROBE", null], ["DENOISE", "MEDIUM"], ["NORMALIZE", null], ["MEASURE", null], ["STORE", null]])
    expect(steps).toEqual([])
    expect(artifact).toMatchObject({ mediaType: "audio/flac", quality: "MEDIUM", durationMs: 6000, producedBy: { id: jobId } })
    expect(Math.abs((artifact?.loudness.integratedLufs ?? 0) + 16)).toBeLessThan(0.3)
    expect(artifact?.loudness.truePeakDbtp).toBeLessThanOrEqual(-1.5)
    expect(artifact?.waveform?.samplesPerPixel).toHaveLength(4)
    const bytes = await (await fetch(artifact?.url ?? "")).bytes()
    const heard = await decoded(await written(`enhanced on ${engine}.flac`, bytes), noiseRateHz)
    expect(siSdrDb(clean, heard)).toBeGreaterThan(11)
    // Nothing of what was in the making stays behind: the artifact is all that is new.
    expect((await app.files()).work).toBe(0)
  })

  it("says which ways it had to give up, in order and with their causes", async () => {
    const track = await upload(await encoded("e2e-song.wav", ["-t", "6", "-i", songA]))
    const { artifact, job, steps } = await result(track, { quality: "HIGH" })
    expect(steps).toEqual([{ from: "HIGH", to: "MEDIUM", code: "NOT_CONFIGURED" }, { from: "MEDIUM", to: "BASIC", code: "QUALITY_BELOW_THRESHOLD" }])
    expect(job).toMatchObject({ status: "SUCCEEDED", degraded: true })
    expect(job.stages[1]).toMatchObject({ name: "DENOISE", quality: "BASIC", degradedFrom: "HIGH" })
    expect(artifact?.quality).toBe("BASIC")
    const strict = await result(track, { quality: "MEDIUM", minimumQuality: "MEDIUM" })
    expect(strict.job).toMatchObject({ status: "FAILED", degraded: false, failure: { code: "QUALITY_BELOW_THRESHOLD" } })
    expect(strict.job.failure?.message).toMatch(/MEDIUM \(RNNoise\).*minimumQuality forbids BASIC/u)
  })

  it("leaves the noise when asked to, and honours the target", async () => {
    const track = await upload((await noisySpeech()).path)
    const { artifact, job } = await result(track, { denoise: false, targetLufs: -23, truePeakDbtp: -3 })
    expect(job.stages[1]).toMatchObject({ name: "DENOISE", status: "SUCCEEDED", quality: null })
    expect(artifact?.quality).toBeNull()
    expect(Math.abs((artifact?.loudness.integratedLufs ?? 0) + 23)).toBeLessThan(0.3)
    expect(artifact?.loudness.truePeakDbtp).toBeLessThanOrEqual(-3)
  })

  it("refuses at once what cannot be, and repeats nothing", async () => {
    const track = await upload(await encoded("e2e-song.wav", ["-t", "6", "-i", songA]))
    expect(await enhance(track, { targetLufs: 5 })).toMatchObject({ __typename: "InvalidInputError", issues: [{ path: ["options", "targetLufs"] }] })
    expect(await enhance(track, { targetLufs: -70, truePeakDbtp: 1 })).toMatchObject({ issues: [{ path: ["options", "targetLufs"] }, { path: ["options", "truePeakDbtp"] }] })
    expect(await enhance(track, { quality: "BASIC", minimumQuality: "MEDIUM" })).toMatchObject({ issues: [{ path: ["options", "minimumQuality"] }] })
    expect(await enhance(track, { minimumQuality: "HIGH" })).toMatchObject({ __typename: "NotConfiguredError", settings: ["DENOISER_MODEL_PATH"] })
    expect(await enhance("nonsense")).toMatchObject({ __typename: "NotFoundError", id: "nonsense" })
    const first = await enhance(track, null, "once")
    const again = await enhance(track, null, "once")
    expect(again).toMatchObject({ replayed: true, job: { id: first.job?.id } })
    expect(await enhance(track, { targetLufs: -20 }, "once")).toMatchObject({ __typename: "IdempotencyConflictError" })
    await watch(app, first.job?.id ?? "")
  })

  it.each([
    ["silence", () => generatedAudio("e2e-silence.wav", "anullsrc=r=44100:cl=stereo", ["-t", "2"])],
    ["digital full scale", () => generatedAudio("e2e-full-scale.wav", "aevalsrc='if(gt(sin(2*PI*220*t),0),1,-1)':d=3:s=44100")],
    ["an offset of the zero line", () => encoded("e2e-offset.wav", ["-t", "3", "-i", songA, "-af", "volume=0.5,dcshift=0.3"])],
    ["0.2 s", () => encoded("e2e-short.wav", ["-t", "0.2", "-i", songA])],
    ["5.1", () => encoded("e2e-surround.wav", ["-t", "3", "-i", songA, "-af", "pan=5.1|FL=FL|FR=FR|FC=0.5*FL+0.5*FR|LFE=0.2*FL|BL=0.4*FL|BR=0.4*FR"])],
    ["speech at 8 kHz", () => encoded("e2e-8k.wav", ["-t", "6", "-i", speech])],
    ["192 kHz", () => encoded("e2e-192k.wav", ["-t", "2", "-i", songA, "-ar", "192000"])]
  ])("copes with %s", async (what, make) => {
    const { artifact, job } = await result(await upload(await make()))
    expect(job).toMatchObject({ status: "SUCCEEDED" })
    expect(artifact?.loudness.truePeakDbtp).toBeLessThanOrEqual(-1.5)
    if (what !== "silence") expect(Math.abs((artifact?.loudness.integratedLufs ?? 0) + 16)).toBeLessThan(0.3)
  })

  it.each([
    ["not numbers", Number.NaN],
    ["infinite", Number.POSITIVE_INFINITY]
  ])("does not take in a recording with samples that are %s, and says what to do", async (_what, value) => {
    const samples = (await decoded(songA, noiseRateHz)).slice(0, 2 * noiseRateHz)
    samples.fill(value, 1000, 1100)
    const answer = await submitUpload(app, await readFile(await writtenWav(`e2e ${value}.wav`, samples, noiseRateHz)), "strange.wav", { allowDuplicate: true })
    const { failure } = (await watch(app, answer.job?.id ?? "")).at(-1) ?? {}
    expect(failure).toMatchObject({ code: "AUDIO_PROCESSING_FAILED", message: expect.stringContaining("not numbers") })
    expect(await enhance(answer.track?.id ?? "")).toMatchObject({ __typename: "ConflictError" })
  })

  it("says of samples far out of every scale that the rest cannot be brought to the target", async () => {
    const samples = (await decoded(songA, noiseRateHz)).slice(0, 2 * noiseRateHz)
    samples.fill(3e38, 1000, 1100)
    const { artifact, job } = await result(await upload(await writtenWav("e2e enormous.wav", samples, noiseRateHz)))
    expect(job).toMatchObject({ status: "FAILED", failure: { code: "QUALITY_BELOW_THRESHOLD", message: expect.stringContaining("Ask for a lower targetLufs") } })
    expect(artifact).toBeUndefined()
  })

  it("fails with what was measured where the target cannot be reached", async () => {
    const clicks = Float32Array.from({ length: 3 * noiseRateHz }, (_, n) => (n % 11_025 === 0 ? 0.9 : 0))
    const { artifact, job } = await result(await upload(await writtenWav("e2e clicks.wav", clicks, noiseRateHz)), { targetLufs: -8, truePeakDbtp: -3 })
    expect(job).toMatchObject({ status: "FAILED", failure: { code: "QUALITY_BELOW_THRESHOLD", metric: "loudnessErrorLu", threshold: 0.3 } })
    expect(job.failure?.score).toBeGreaterThan(0.3)
    expect(job.stages.find(({ status }) => status === "FAILED")?.name).toBe("MEASURE")
    expect(artifact).toBeUndefined()
  })
})

describe("an enhancement that failed behind its denoising", () => {
  it("goes on there when it is tried again, knows how that went, and comes to the same audio", async () => {
    const s3 = await startS3Server()
    const app = await startApp("pglite", { S3_BUCKET: "playhead", S3_ENDPOINT: s3.endpoint, S3_ACCESS_KEY_ID: "S3RVER", S3_SECRET_ACCESS_KEY: "S3RVER" })
    const { enhance, enhanced, jobOf, result, upload } = clientFor(() => app)
    const track = await upload((await noisySpeech()).path)
    const whole = await result(track, { quality: "HIGH" })
    const failing = await enhance(track, { quality: "HIGH" })
    const stages = app.subscribe<{ __typename: string; stage?: { name: string } }>(
      "subscription($id: ID!) { jobEvents(jobId: $id) { __typename ... on StageSucceededEvent { stage { name } } } }", { id: failing.job?.id }
    )
    let last = ""
    for await (const event of stages) {
      last = event.__typename
      if (event.stage?.name === "DENOISE") s3.fail(() => ({ _tag: "Reset" }))
    }
    expect(last).toBe("JobFailedEvent")
    s3.fail(() => undefined)

    const { jobRetry } = await app.query<{ jobRetry: Started }>("mutation($id: ID!) { jobRetry(id: $id) { __typename ... on JobStartSuccess { job { id } } } }", { id: failing.job?.id })
    const again = jobRetry.job?.id ?? ""
    const events = await Array.fromAsync(app.subscribe<{ __typename: string; reused?: boolean; stage?: { name: string; quality: string | null } }>(
      "subscription($id: ID!) { jobEvents(jobId: $id) { __typename ... on StageStartedEvent { stage { name quality } } ... on StageSucceededEvent { reused stage { name quality } } } }", { id: again }
    ))
    expect(events.at(-1)?.__typename).toBe("JobSucceededEvent")
    expect(events.filter(({ stage }) => stage?.name === "DENOISE")).toEqual([{ __typename: "StageSucceededEvent", reused: true, stage: { name: "DENOISE", quality: "MEDIUM" } }])
    const job = await jobOf(again)
    expect(job).toMatchObject({ status: "SUCCEEDED", degraded: true })
    expect(job.stages[1]).toEqual({ name: "DENOISE", status: "REUSED", quality: "MEDIUM", degradedFrom: "HIGH" })
    const made = (await enhanced(track)).filter(({ producedBy }) => [again, whole.jobId].includes(producedBy.id))
    expect(made.map(({ quality }) => quality)).toEqual(["MEDIUM", "MEDIUM"])
    const [one = new Uint8Array(), other = new Uint8Array()] = await Promise.all(made.map(async ({ url }) => (await fetch(url)).bytes()))
    expect(one.length).toBeGreaterThan(100_000)
    expect(Buffer.compare(one, other)).toBe(0)
    await app.stop()
    await s3.close()
  }, 180_000)
})

describe("a speech model of the operator's", () => {
  it("is what enhancement begins with, and what it does without when it is garbage", async () => {
    const path = await written("garbage.onnx", randomBytes(20_000))
    const app = await startApp("pglite", { DENOISER_MODEL_PATH: path })
    const { result, upload } = clientFor(() => app)
    const track = await upload((await noisySpeech()).path)
    const fallen = await result(track)
    expect(fallen.steps).toEqual([{ from: "HIGH", to: "MEDIUM", code: "PROVIDER_FAILED" }])
    expect(fallen.artifact?.quality).toBe("MEDIUM")
    const strict = await result(track, { minimumQuality: "HIGH" })
    expect(strict.job).toMatchObject({ status: "FAILED", failure: { code: "PROVIDER_FAILED", message: expect.stringContaining("DENOISER_MODEL_PATH") } })
    await app.stop()
  }, 120_000)

  it("serves where it is one", async () => {
    const app = await startApp("pglite", { DENOISER_MODEL_PATH: await wienerModel(0.3) })
    const { result, upload } = clientFor(() => app)
    const { artifact, job, steps } = await result(await upload((await noisySpeech()).path), { minimumQuality: "HIGH" })
    expect(job.failure).toBeNull()
    expect(steps).toEqual([])
    expect(artifact?.quality).toBe("HIGH")
    await app.stop()
  }, 120_000)
})
