import { createHash, randomBytes } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Upload, type UploadOptions } from "tus-js-client"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp, submitImport } from "../support/app.ts"
import { song, written } from "../support/audio.ts"
import { startCuttingProxy } from "../support/cuttingProxy.ts"
import { engines } from "../support/database.ts"

const maxBytes = 40 * 1_048_576

/** Sends a file as a browser does, with tus-js-client; what was uploaded is at the address it returns. */
const send = (endpoint: string, content: Buffer, options: Partial<UploadOptions> = {}): Promise<Upload> =>
  new Promise((resolve, reject) => {
    const upload = new Upload(content, {
      endpoint,
      retryDelays: Array.from({ length: 40 }, () => 5),
      metadata: { filename: "Übung № 1.mp3", filetype: "audio/mpeg" },
      onError: reject,
      onSuccess: () => resolve(upload),
      ...options
    })
    upload.start()
  })

const idOf = (upload: Upload): string => upload.url?.split("/").at(-1) ?? ""
const head = (address: string) => fetch(address, { method: "HEAD", headers: { "tus-resumable": "1.0.0" } })
const patch = (address: string, offset: number, body: Uint8Array<ArrayBuffer>) =>
  fetch(address, { method: "PATCH", headers: { "tus-resumable": "1.0.0", "upload-offset": String(offset), "content-type": "application/offset+octet-stream" }, body })
const begin = async (app: App, sizeBytes: number, headers: Record<string, string> = {}): Promise<{ readonly status: number; readonly address: string }> => {
  const response = await fetch(`${app.url}/uploads`, { method: "POST", headers: { "tus-resumable": "1.0.0", "upload-length": String(sizeBytes), ...headers } })
  return { status: response.status, address: response.headers.get("location") ?? "" }
}

describe.each(engines)("a resumable upload on %s", (engine) => {
  let app: App
  let mp3: Buffer<ArrayBuffer>

  beforeAll(async () => {
    app = await startApp(engine, { MAX_UPLOAD_MB: "40", PLAYHEAD_CORS_ORIGINS: "https://app.example.org" })
    mp3 = Buffer.from(await readFile(await song("uploaded.mp3", { seconds: 6 })))
  })
  afterAll(() => app.stop())

  it("is whole, byte for byte, after twenty cuts at random places", async () => {
    // A WAV whose samples are noise, so that no byte looks like another.
    const samples = randomBytes(8_000_000)
    const header = (await readFile(await song("header.wav", { seconds: 1, args: ["-fflags", "+bitexact"] }))).subarray(0, 44)
    header.writeUInt32LE(36 + samples.length, 4)
    header.writeUInt32LE(samples.length, 40)
    const wav = Buffer.concat([header, samples])
    const cuts = Array.from({ length: 20 }, () => 1_000 + Math.floor(Math.random() * 300_000))
    const proxy = await startCuttingProxy(app.port, cuts)
    // The first request makes the upload; its address leads through the proxy again.
    const { address } = await begin(app, wav.length, { "upload-metadata": `filename ${Buffer.from("noise.wav").toString("base64")}` })
    const uploadUrl = address.replace(`:${app.port}/`, `:${proxy.port}/`)
    const upload = await send(`${app.url}/uploads`, wav, { uploadUrl })
    expect(proxy.made()).toBe(20)
    await proxy.close()
    const { answer, last } = await importToEnd(app, { source: { upload: idOf(upload) } })
    expect(answer).toMatchObject({ __typename: "TrackImportSuccess", replayed: false, track: { title: "noise" } })
    expect(last?.__typename).toBe("JobSucceededEvent")
    const { track } = await app.query<{ track: { contentHash: string; sizeBytes: number; source: unknown } }>(
      "query($id: ID!) { track(id: $id) { contentHash sizeBytes source { kind filename } } }",
      { id: answer.track?.id }
    )
    expect(track).toEqual({ contentHash: createHash("sha256").update(wav).digest("hex"), sizeBytes: wav.length, source: { kind: "UPLOAD", filename: "noise.wav" } })
  })

  it("is imported once: again it is a conflict, and under its idempotency key the same answer", async () => {
    const upload = await send(`${app.url}/uploads`, mp3)
    const input = { source: { upload: idOf(upload) }, allowDuplicate: true, idempotencyKey: `key-${engine}` }
    const { answer, last } = await importToEnd(app, input)
    expect(last?.__typename).toBe("JobSucceededEvent")
    expect(answer.track?.title).toBe("Übung № 1")
    expect(await submitImport(app, input)).toMatchObject({ __typename: "TrackImportSuccess", replayed: true, job: answer.job })
    expect(await submitImport(app, { source: { upload: idOf(upload) } })).toMatchObject({ __typename: "ConflictError", code: "CONFLICT" })
    expect(await submitImport(app, { source: { upload: upload.url } })).toMatchObject({ __typename: "ConflictError" })
  })

  it("that five clients import at once is imported by one of them", async () => {
    const upload = await send(`${app.url}/uploads`, mp3)
    const answers = await Promise.all(Array.from({ length: 5 }, () => submitImport(app, { source: { upload: idOf(upload) }, allowDuplicate: true })))
    expect(answers.map((answer) => answer.__typename).toSorted()).toEqual([...Array.from({ length: 4 }, () => "ConflictError"), "TrackImportSuccess"])
  })

  it("can be finished once: what is sent behind its end changes nothing", async () => {
    const upload = await send(`${app.url}/uploads`, mp3)
    const address = upload.url ?? ""
    expect((await patch(address, 0, mp3)).status).toBe(409)
    expect((await patch(address, mp3.length, Buffer.from("more"))).status).toBe(413)
    expect((await patch(address, mp3.length, Buffer.alloc(0))).status).toBe(204)
    expect((await head(address)).headers.get("upload-offset")).toBe(String(mp3.length))
    expect(await submitImport(app, { source: { upload: idOf(upload) }, allowDuplicate: true })).toMatchObject({ __typename: "TrackImportSuccess" })
    // A client that missed the last answer still learns that everything has come.
    expect((await head(address)).headers.get("upload-offset")).toBe(String(mp3.length))
  })

  it("is not imported before its end", async () => {
    const { address } = await begin(app, mp3.length)
    await patch(address, 0, mp3.subarray(0, 1000))
    expect(await submitImport(app, { source: { upload: address } })).toMatchObject({ __typename: "ConflictError", message: expect.stringContaining("1000 of") })
    expect((await patch(address, 1000, mp3.subarray(1000))).status).toBe(204)
    expect(await submitImport(app, { source: { upload: address }, allowDuplicate: true })).toMatchObject({ __typename: "TrackImportSuccess" })
  })

  it("of no audio is refused by its content, and of nothing too", async () => {
    const upload = await send(`${app.url}/uploads`, await readFile(await written("no.mp3", "This is no audio. ".repeat(100))))
    expect(await submitImport(app, { source: { upload: idOf(upload) } })).toMatchObject({ __typename: "UnsupportedMediaError" })
    const { address } = await begin(app, 0)
    expect(await submitImport(app, { source: { upload: address } })).toMatchObject({ __typename: "UnsupportedMediaError" })
  })

  it.each(["00000000-0000-7000-8000-000000000000", "../../etc/passwd", "x", "", "%00"])("that never was, such as %j, is not found", async (id) => {
    expect(await submitImport(app, { source: { upload: id } })).toMatchObject({ __typename: "NotFoundError" })
    expect((await head(`${app.url}/uploads/${encodeURIComponent(id)}`)).status).toBe(404)
  })

  it("larger than is allowed is refused before it is sent, and no more is taken than was announced", async () => {
    expect((await begin(app, maxBytes + 1)).status).toBe(413)
    const { address } = await begin(app, 10)
    expect((await patch(address, 0, Buffer.alloc(11))).status).toBe(413)
    expect((await head(address)).headers.get("upload-offset")).toBe("0")
  })

  it("is refused to pages of other origins, and told about to listed ones", async () => {
    const foreign = await fetch(`${app.url}/uploads`, { method: "POST", headers: { origin: "https://evil.example", "tus-resumable": "1.0.0", "upload-length": "1" } })
    expect(foreign.status).toBe(403)
    const form = await fetch(`${app.url}/uploads`, { method: "POST", headers: { "content-type": "text/plain" }, body: "x" })
    expect(form.status).toBe(412)
    const question = await fetch(`${app.url}/uploads`, { method: "OPTIONS", headers: { origin: "https://app.example.org", "access-control-request-method": "PATCH", "access-control-request-headers": "tus-resumable" } })
    expect(question.headers.get("access-control-allow-methods")).toContain("PATCH")
    const listed = await begin(app, 1, { origin: "https://app.example.org" })
    expect(listed.status).toBe(201)
    const asked = await fetch(listed.address, { method: "HEAD", headers: { origin: "https://app.example.org", "tus-resumable": "1.0.0" } })
    expect(asked.headers.get("access-control-allow-origin")).toBe("https://app.example.org")
    expect(asked.headers.get("access-control-expose-headers")).toContain("Upload-Offset")
  })

  it("that is given up frees its bytes, and is gone", async () => {
    const before = await app.files()
    const upload = await send(`${app.url}/uploads`, randomBytes(50_000))
    expect((await app.files()).blobs).toBe(before.blobs + 1)
    const gone = await fetch(upload.url ?? "", { method: "DELETE", headers: { "tus-resumable": "1.0.0" } })
    expect(gone.status).toBe(204)
    expect((await head(upload.url ?? "")).status).toBe(404)
    expect((await app.files()).blobs).toBe(before.blobs)
  })

  it("is gone when its time is over", async () => {
    const { address } = await begin(app, 1000)
    await app.sql("update upload set created_at = created_at - interval '2 days'")
    expect((await head(address)).status).toBe(410)
    expect((await patch(address, 0, Buffer.alloc(10))).status).toBe(410)
    await app.sql("delete from upload")
    expect(await submitImport(app, { source: { upload: address } })).toMatchObject({ __typename: "NotFoundError" })
  })

  it("goes on after a crash between its last byte and what is done then", async () => {
    const { address } = await begin(app, mp3.length)
    await writeFile(join(app.dataDir, "uploads", address.split("/").at(-1) ?? ""), mp3)
    expect((await head(address)).headers.get("upload-offset")).toBe(String(mp3.length))
    expect(await submitImport(app, { source: { upload: address }, allowDuplicate: true })).toMatchObject({ __typename: "TrackImportSuccess" })
  })
})
