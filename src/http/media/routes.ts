/** `/media/:artifactId` and `/media/:artifactId/waveform.{json,dat,png}`. The id is the artifact's global one, or its uuid. */
import { createHash } from "node:crypto"
import type { IncomingMessage, ServerResponse } from "node:http"
import { readFile } from "node:fs/promises"
import { Effect } from "effect"
import { coarsen, decodeDat, encodeDat, encodeJson, type Waveform } from "../../audio/waveform/Waveform.ts"
import { drawPng } from "../../audio/waveform/png.ts"
import { storing } from "../../domain/storageFailure.ts"
import { idOf, isUuid } from "../../graphql/ids.ts"
import { type ArtifactRecord, titledArtifact, type WaveformRecord, waveformsByArtifact } from "../../persistence/reads/artifacts.ts"
import { BlobStore } from "../../storage/BlobStore.ts"
import { sendProblem } from "../problem.ts"
import { notModified } from "./conditional.ts"
import { contentDisposition } from "./contentDisposition.ts"
import { sendFile } from "./sendFile.ts"

const pattern = /^\/media\/([\w-]+)(?:\/waveform\.(json|dat|png))?$/

const notFound = (response: ServerResponse) => Effect.sync(() => sendProblem(response, 404, "There is no such file."))

const sendArtifact = (request: IncomingMessage, response: ServerResponse, artifact: ArtifactRecord & { readonly title: string }, download: boolean) => {
  const extension = artifact.filename?.match(/\.[A-Za-z0-9]{1,5}$/)?.[0] ?? `.${artifact.mediaType.split("/")[1]?.replace(/^x-/, "") ?? "bin"}`
  return sendFile(request, response, { ...artifact, disposition: contentDisposition(download ? "attachment" : "inline", `${artifact.title}${extension}`) })
}

const wholeNumber = (query: URLSearchParams, name: string, least: number, most: number): number | undefined | "invalid" => {
  const text = query.get(name)
  if (text === null) return undefined
  return /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most ? Number(text) : "invalid"
}

const readDat = Effect.fnUntraced(function* (sha256: string) {
  const store = yield* BlobStore
  const path = yield* store.localFile(sha256)
  return decodeDat(yield* storing("The waveform could not be read", () => readFile(path)))
}, Effect.scoped)

/** The coarsest stored resolution from which this one can be made exactly. */
const sourceFor = (stored: ReadonlyArray<WaveformRecord>, samplesPerPixel: number): WaveformRecord | undefined =>
  stored.findLast((waveform) => samplesPerPixel % waveform.samplesPerPixel === 0)

/** Enough pixels for a picture of this width, and not many more. */
const sourceForPicture = (stored: ReadonlyArray<WaveformRecord>, durationSamples: number, width: number): WaveformRecord | undefined =>
  stored.findLast((waveform) => durationSamples / waveform.samplesPerPixel >= width) ?? stored[0]

const send = (request: IncomingMessage, response: ServerResponse, mediaType: string, pieces: Iterable<string | Uint8Array>, createdAt: Date): Effect.Effect<void> =>
  Effect.sync(() => {
    const body = Buffer.concat([...pieces].map((piece) => Buffer.from(piece as Uint8Array)))
    const validators = { etag: `"${createHash("sha256").update(body).digest("base64url")}"`, lastModified: createdAt.toUTCString() }
    const common = { etag: validators.etag, "last-modified": validators.lastModified, "cache-control": "private, max-age=31536000, immutable", "x-content-type-options": "nosniff" }
    if (notModified(request.headers, validators)) return void response.writeHead(304, common).end()
    response.writeHead(200, { ...common, "content-type": mediaType, "content-length": body.length })
    response.end(request.method === "HEAD" ? undefined : body)
  })

const sendWaveform = Effect.fnUntraced(function* (request: IncomingMessage, response: ServerResponse, artifact: ArtifactRecord, format: string, query: URLSearchParams) {
  const stored = yield* waveformsByArtifact([artifact.id])
  const finest = stored[0]
  if (finest === undefined) return yield* notFound(response)
  if (format === "png") {
    const width = wholeNumber(query, "width", 16, 4096) ?? 1200
    const height = wholeNumber(query, "height", 16, 2048) ?? 200
    if (width === "invalid" || height === "invalid") return sendProblem(response, 400, "`width` must be from 16 to 4096 and `height` from 16 to 2048.")
    const coarsest = stored.at(-1) ?? finest
    const drawn = yield* readDat(coarsest.sha256)
    const source = sourceForPicture(stored, (drawn.peaks.length / 2) * coarsest.samplesPerPixel, width) ?? finest
    return yield* send(request, response, "image/png", [drawPng(source === coarsest ? drawn : yield* readDat(source.sha256), width, height)], artifact.createdAt)
  }
  const samplesPerPixel = wholeNumber(query, "samplesPerPixel", 1, 10_000_000) ?? finest.samplesPerPixel
  const source = samplesPerPixel === "invalid" ? undefined : sourceFor(stored, samplesPerPixel)
  if (source === undefined || samplesPerPixel === "invalid") {
    return sendProblem(response, 400, `\`samplesPerPixel\` must be a multiple of ${finest.samplesPerPixel}.`)
  }
  const dat = yield* readDat(source.sha256)
  const drawn: Waveform = samplesPerPixel === dat.samplesPerPixel ? dat : coarsen(dat, samplesPerPixel / dat.samplesPerPixel)
  yield* format === "json"
    ? send(request, response, "application/json", encodeJson(drawn), artifact.createdAt)
    : send(request, response, "application/octet-stream", [encodeDat(drawn)], artifact.createdAt)
})

/** Whether the address is one of media; if so it is answered. */
export const serveMedia = Effect.fn("http.media")(function* (request: IncomingMessage, response: ServerResponse, url: URL) {
  const [, id = "", format] = pattern.exec(url.pathname) ?? []
  const artifactId = isUuid(id) ? id : idOf("Artifact", id)
  if (request.method !== "GET" && request.method !== "HEAD") return sendProblem(response, 405, "Media can only be read.", { allow: "GET, HEAD" })
  const artifact = artifactId === undefined ? undefined : yield* titledArtifact(artifactId)
  if (artifact === undefined) return yield* notFound(response)
  yield* format === undefined
    ? sendArtifact(request, response, artifact, url.searchParams.has("download"))
    : sendWaveform(request, response, artifact, format, url.searchParams)
})
