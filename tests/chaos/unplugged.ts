/** Each thing that Playhead depends on is taken away while jobs run, and given back: nobody restarts anything. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { setTimeout as pause } from "node:timers/promises"
import { clientOf, type Event, submitImport, submitUpload, watch } from "../support/app.ts"
import { bundledFFmpeg, songA, speech } from "../support/audio.ts"
import { startPostgres } from "../support/postgresServer.ts"
import { bytes, file, startSourceServer, status } from "../support/sourceServer.ts"
import { wienerModel } from "../support/speechModels.ts"
import { startCluster } from "./cluster.ts"
import { atMost, type Figure, type Scenario } from "./Scenario.ts"

const standIn = fileURLToPath(new URL("../support/yt-dlp.mjs", import.meta.url))

interface Incident {
  readonly id: string
  readonly status: "OPEN" | "RESOLVED"
  readonly provider: string | null
}

const enhanceDocument = "mutation($id: ID!) { trackEnhance(id: $id, options: { quality: HIGH }) { ... on JobStartSuccess { job { id } } } }"

const equals = (figure: string, value: string, bar: string): Figure => ({ figure, value, bar, ok: value === bar })
const outcome = (events: ReadonlyArray<Event>): string => events.at(-1)?.__typename ?? "none"
const tally = (outcomes: ReadonlyArray<string>): string =>
  [...Map.groupBy(outcomes, (each) => each)].map(([each, all]) => `${all.length} ${each}`).toSorted().join(", ")

export const unplugged: Scenario = {
  name: "Each dependency unplugged and plugged in again",
  run: async ({ seed, short = false }) => {
    const postgres = await startPostgres({ fsync: !short })
    let catalogue = true
    const catalogueAnswer = JSON.stringify({ resultCount: 1, results: [{ wrapperType: "track", kind: "song", artistName: "Somebody", trackName: "Something", collectionName: "An album" }] })
    const source = await startSourceServer({ "/song.ogg": file(songA, "audio/ogg"), "/search": (request, response) => (catalogue ? bytes(catalogueAnswer) : status(503))(request, response) })
    const models = await mkdtemp(join(tmpdir(), "playhead-models-"))
    const model = join(models, "denoiser.onnx")
    await writeFile(model, "this is no model")
    const cluster = await startCluster({
      seed,
      databaseUrl: postgres.url,
      nodes: [{ PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, ITUNES_BASE_URL: source.url("").replace(/\/$/, ""), YTDLP_PATH: standIn, STAND_IN_AUDIO: songA, FFMPEG_PATH: bundledFFmpeg, DENOISER_MODEL_PATH: model }]
    })
    const url = `http://127.0.0.1:${cluster.nodes[0]?.port}`
    const app = { url, ...clientOf(url) }
    const incidents = async () => (await app.query<{ incidents: ReadonlyArray<Incident> }>("{ incidents(first: 100) { id status provider } }")).incidents
    const waitFor = async (withinMs: number, holds: () => Promise<boolean>): Promise<number> => {
      const begun = performance.now()
      while (performance.now() - begun < withinMs && !(await holds())) await pause(100)
      return Math.round(performance.now() - begun)
    }
    const imported = async (more: object) => {
      const answer = await submitImport(app, { allowDuplicate: true, ...more })
      return answer.job === undefined ? answer.__typename : outcome(await watch(app, answer.job.id))
    }
    const song = () => imported({ source: { url: source.url("/song.ogg") }, artist: "Somebody", title: "Something" })
    const times = <A>(count: number, one: () => Promise<A>) => Promise.all(Array.from({ length: count }, one))
    const openOf = (provider: string) => async () => (await incidents()).some((incident) => incident.provider === provider && incident.status === "OPEN")
    const overOf = (provider: string) => async () => !(await openOf(provider)())
    try {
      const figures: Array<Figure> = [equals("imports with everything there", tally(await times(3, song)), "3 JobSucceededEvent")]

      catalogue = false
      figures.push(equals("imports without the catalogue", tally(await times(8, song)), "8 JobSucceededEvent"))
      figures.push(atMost("incident of the catalogue after", await waitFor(10_000, openOf("itunes")), 6000, " ms"))
      catalogue = true
      // Its circuit is tried again after a minute, by the next import that asks it.
      await pause(60_000)
      const back = song()
      figures.push(atMost("over, once the catalogue was asked again, after", await waitFor(10_000, overOf("itunes")), 6000, " ms"), equals("that import", await back, "JobSucceededEvent"))

      const page = (path: string) => imported({ source: { videoPage: `https://video.example/${path}` } })
      figures.push(equals("a video page", await page("song"), "JobSucceededEvent"))
      const failing = times(2, () => page("down"))
      figures.push(atMost("incident of yt-dlp after", await waitFor(60_000, openOf("yt-dlp")), 30_000, " ms"))
      const patient = page("song")
      figures.push(equals("pages that stay down", tally(await failing), "2 JobFailedEvent"))
      figures.push(equals("a page that waited for yt-dlp", await patient, "JobSucceededEvent"))
      figures.push(atMost("over, once yt-dlp worked again, after", await waitFor(10_000, overOf("yt-dlp")), 6000, " ms"))

      const talk = await submitUpload(app, await readFile(speech), "talk.mp3", { allowDuplicate: true })
      await watch(app, talk.job?.id ?? "")
      const enhanced = async () => {
        const { trackEnhance } = await app.query<{ trackEnhance: { job?: { id: string } } }>(enhanceDocument, { id: talk.track?.id })
        const events = await watch(app, trackEnhance.job?.id ?? "")
        return `${outcome(events)}${events.some(({ __typename }) => __typename === "StageDegradedEvent") ? ", degraded" : ""}`
      }
      const worse: Array<string> = []
      for (let n = 0; n < 6; n++) worse.push(await enhanced())
      figures.push(equals("enhancements with a broken model", tally(worse), "6 JobSucceededEvent, degraded"))
      figures.push(atMost("incident of the model after", await waitFor(10_000, openOf("sherpa-onnx")), 6000, " ms"))
      await copyFile(await wienerModel(0.3), model)
      await pause(60_000)
      figures.push(equals("an enhancement with another model", await enhanced(), "JobSucceededEvent"))
      figures.push(atMost("over, once the model worked, after", await waitFor(10_000, overOf("sherpa-onnx")), 6000, " ms"))

      const { errorReport } = await app.query<{ errorReport: { readonly unhandled: number; readonly total: number; readonly recovered: number } }>("{ errorReport { total unhandled recovered } }")
      figures.push(equals("failures that nobody had thought of", String(errorReport.unhandled), "0"))
      figures.push(equals("incidents that are still open", String((await incidents()).filter(({ status: now }) => now === "OPEN").map(({ provider }) => provider)), ""))
      return figures
    } finally {
      await cluster.close()
      await source.close()
      await postgres.stop()
      await rm(models, { recursive: true, force: true })
    }
  }
}
