import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { Effect, Exit, Scope } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type App, importToEnd, startApp } from "../support/app.ts"
import { generatedAudio, songA } from "../support/audio.ts"
import { smallDisk } from "../support/smallDisk.ts"
import { file, type SourceServer, startSourceServer } from "../support/sourceServer.ts"

const scope = Scope.makeUnsafe()
const disk = await Effect.runPromise(Effect.provideService(smallDisk(8_000_000), Scope.Scope, scope))

describe.skipIf(disk === undefined)("a data directory on a disk that is full", () => {
  const dataDir = disk ?? ""
  let app: App
  let source: SourceServer

  beforeAll(async () => {
    // 26 MB of tone, too much for the disk.
    const large = await generatedAudio("large.wav", "sine=frequency=440:duration=150", ["-ac", "2"])
    source = await startSourceServer({ "/large.wav": file(large, "audio/wav"), "/small.ogg": file(songA, "audio/ogg") })
    app = await startApp("postgres", { PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, PLAYHEAD_DATA_DIR: dataDir })
  }, 120_000)
  afterAll(async () => {
    await app.stop()
    await source.close()
    await Effect.runPromise(Scope.close(scope, Exit.void))
  })

  const left = async () => (await readdir(dataDir, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !/\.lock(-journal)?$/.test(entry.name)).map((entry) => join(entry.parentPath, entry.name))

  it("fails the import with a typed error after its tries, leaves nothing behind, and takes the next file that fits", async () => {
    const { events, last } = await importToEnd(app, { source: { url: source.url("/large.wav") } })
    expect(last).toMatchObject({ __typename: "JobFailedEvent", failure: { __typename: "StorageError", code: "STORAGE_FAILED" } })
    expect(last?.failure?.message).toMatch(/disk|space/i)
    expect(events.filter((event) => event.__typename === "StageRetryingEvent")).toHaveLength(3)
    expect(await left()).toEqual([])
    const after = await importToEnd(app, { source: { url: source.url("/small.ogg") } })
    expect(after.last?.__typename).toBe("JobSucceededEvent")
  }, 60_000)
})
