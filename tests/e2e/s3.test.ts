import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp, submitUpload, watch } from "../support/app.ts"
import { song } from "../support/audio.ts"
import { type S3Server, startS3Server } from "../support/s3Server.ts"

describe("files in an S3 bucket", () => {
  let s3: S3Server
  let streaming: App
  let redirecting: App
  let mp3: Buffer

  beforeAll(async () => {
    s3 = await startS3Server()
    const environment = { S3_BUCKET: "playhead", S3_ENDPOINT: `${s3.endpoint}/`, S3_ACCESS_KEY_ID: "S3RVER", S3_SECRET_ACCESS_KEY: "S3RVER" }
    streaming = await startApp("pglite", { ...environment, S3_PREFIX: "one/" })
    redirecting = await startApp("pglite", { ...environment, S3_PREFIX: "two/", S3_PUBLIC_ENDPOINT: s3.endpoint })
    mp3 = await readFile(await song("for-the-bucket.mp3", { seconds: 5 }))
  })
  afterAll(async () => {
    await streaming.stop()
    await redirecting.stop()
    await s3.close()
  })

  const importSong = async (app: App) => {
    const answer = await submitUpload(app, mp3, "song.mp3")
    expect((await watch(app, answer.job?.id ?? "")).at(-1)?.__typename).toBe("JobSucceededEvent")
    const { track } = await app.query<{ track: { artifacts: ReadonlyArray<{ url: string; waveform: { jsonUrl: string; imageUrl: string } }> } }>(
      "query($id: ID!) { track(id: $id) { artifacts { url waveform { jsonUrl imageUrl } } } }",
      { id: answer.track?.id }
    )
    const [original] = track.artifacts
    if (original === undefined) throw new Error("no original")
    return { trackId: answer.track?.id ?? "", ...original }
  }

  it("are imported, processed and sent like others", async () => {
    const { trackId, url, waveform } = await importSong(streaming)
    expect(createHash("sha256").update(Buffer.from(await (await fetch(url)).arrayBuffer())).digest("hex")).toBe(createHash("sha256").update(mp3).digest("hex"))
    const part = await fetch(url, { headers: { range: "bytes=100-199" } })
    expect(part.status).toBe(206)
    expect(Buffer.compare(Buffer.from(await part.arrayBuffer()), mp3.subarray(100, 200))).toBe(0)
    expect(await (await fetch(waveform.jsonUrl)).json()).toMatchObject({ version: 2 })
    const { trackTranscode } = await streaming.query<{ trackTranscode: { job: { id: string } } }>(
      "mutation($id: ID!) { trackTranscode(id: $id, options: { format: OPUS }) { ... on JobStartSuccess { job { id } } } }",
      { id: trackId }
    )
    expect((await watch(streaming, trackTranscode.job.id)).at(-1)?.__typename).toBe("JobSucceededEvent")
    expect(existsSync(join(streaming.dataDir, "blobs"))).toBe(false)
  })

  it("are fetched from the bucket by clients, who are told where, where they reach it", async () => {
    const { url } = await importSong(redirecting)
    const told = await fetch(url, { redirect: "manual" })
    expect(told.status).toBe(302)
    expect(told.headers.get("cache-control")).toBe("no-store")
    expect(new URL(told.headers.get("location") ?? "").host).toBe(new URL(s3.endpoint).host)
    const head = await fetch(url, { method: "HEAD", redirect: "manual" })
    expect([head.status, head.headers.get("content-length")]).toEqual([200, String(mp3.length)])
    expect((await fetch(url, { redirect: "manual", headers: { range: "bytes=999999999-" } })).status).toBe(416)
    expect((await fetch(url, { redirect: "manual", headers: { "if-none-match": told.headers.get("etag") ?? "" } })).status).toBe(304)
  })

  it("are imported again by the retries of the job when the bucket is gone for a while", async () => {
    const other = await readFile(await song("for-the-bucket-later.mp3", { seconds: 6 }))
    const answer = await submitUpload(streaming, other, "later.mp3", { allowDuplicate: true })
    let down = true
    s3.fail(() => (down ? { _tag: "Reset" } : undefined))
    setTimeout(() => (down = false), 4_000)
    expect((await watch(streaming, answer.job?.id ?? "")).at(-1)?.__typename).toBe("JobSucceededEvent")
    s3.fail(() => undefined)
  })

  it("that cannot be reached make uploads fail with a typed answer", async () => {
    s3.fail(() => ({ _tag: "Answer", status: 403, body: "<Error><Code>AccessDenied</Code></Error>" }))
    expect(await submitUpload(streaming, await readFile(await song("never-stored.mp3", { seconds: 7 })), "never.mp3")).toMatchObject({ __typename: "StorageError", message: expect.stringContaining("S3_ACCESS_KEY_ID") })
    s3.fail(() => undefined)
    expect((await importToEnd(streaming, { source: { upload: "00000000-0000-7000-8000-000000000000" } })).answer).toMatchObject({ __typename: "NotFoundError" })
  })
})
