import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { clientOf, submitImport, watch } from "../support/app.ts"
import { endlessSong } from "../support/audio.ts"
import { file, type SourceServer, startSourceServer } from "../support/sourceServer.ts"

interface Running {
  readonly url: string
  readonly process: ChildProcess
}

/** Children of a process that are ffmpeg, by /proc. */
const ffmpegsOf = async (dataDir: string): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")
    if (command.includes("ffmpeg") && command.includes(dataDir)) found.push(pid)
  }
  return found
}

describe("a server that is a process of its own", () => {
  let source: SourceServer
  let dataDir: string

  const start = async (): Promise<Running> => {
    const child = spawn(process.execPath, ["src/main.ts"], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, PORT: "0", PLAYHEAD_DATA_DIR: dataDir, PLAYHEAD_ALLOW_PRIVATE_SOURCES: source.host, LOG_FORMAT: "json" }
    })
    for await (const line of createInterface(child.stdout!)) {
      const url = /GraphiQL is at (http:\S+)\/graphql/.exec(line)?.[1]
      if (url !== undefined) {
        child.stdout?.resume()
        return { url, process: child }
      }
    }
    throw new Error("the server ended before it was ready")
  }

  const files = async (directory: string) =>
    (await readdir(join(dataDir, directory), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !/\.lock(-journal)?$/.test(entry.name)).length

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "playhead-restart-"))
    source = await startSourceServer({ "/long.mp3": file(await endlessSong("ten-minutes.mp3", 600)), "/other.mp3": file(await endlessSong("nine-minutes.mp3", 540)) })
  })
  afterAll(async () => {
    await source.close()
    await rm(dataDir, { recursive: true, force: true })
  })

  const untilAnalysing = async (client: ReturnType<typeof clientOf>, jobId: string) => {
    for await (const event of client.subscribe<{ __typename: string; stage?: { name: string } }>(
      `subscription($id: ID!) { jobEvents(jobId: $id) { __typename ... on StageStartedEvent { stage { name } } } }`, { id: jobId }
    )) if (event.stage?.name === "ANALYZE") return
  }

  it("goes on at the same stage after a kill -9, and ends with one track, gapless events and no stray file", async () => {
    const first = await start()
    const before = clientOf(first.url)
    const { job, track } = await submitImport(before, { source: { url: `http://${source.host}/long.mp3` } })
    await untilAnalysing(before, job?.id ?? "")
    first.process.kill("SIGKILL")
    await once(first.process, "exit")
    await expect.poll(() => ffmpegsOf(dataDir), { timeout: 10_000 }).toEqual([])

    const second = await start()
    const after = clientOf(second.url)
    const events = await watch(after, job?.id ?? "")
    expect(events.at(-1)?.__typename).toBe("JobSucceededEvent")
    expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1))
    const started = events.filter((event) => event.__typename === "StageStartedEvent").map((event) => event.stage?.name)
    expect(started.filter((name) => name === "ANALYZE")).toHaveLength(2)
    expect(started.filter((name) => name === "DOWNLOAD")).toHaveLength(1)
    expect(await after.query(`{ tracks { totalCount edges { node { id status artifacts { role } } } } }`))
      .toEqual({ tracks: { totalCount: 1, edges: [{ node: { id: track?.id, status: "READY", artifacts: [{ role: "ORIGINAL" }] } }] } })
    await expect.poll(() => Promise.all([files("blobs"), files("work")]), { timeout: 10_000 }).toEqual([5, 0])
    second.process.kill("SIGTERM")
    const [code] = await once(second.process, "exit")
    expect(code).toBe(0)
  })

  it("gives the job back on SIGTERM, ends quickly, leaves no process, and goes on when it is started again", async () => {
    const first = await start()
    const before = clientOf(first.url)
    const { job } = await submitImport(before, { source: { url: `http://${source.host}/other.mp3` }, allowDuplicate: true })
    await untilAnalysing(before, job?.id ?? "")
    first.process.kill("SIGTERM")
    const [code] = await once(first.process, "exit")
    expect(code).toBe(0)
    expect(await ffmpegsOf(dataDir)).toEqual([])
    expect(await files("work")).toBe(0)

    const second = await start()
    const events = await watch(clientOf(second.url), job?.id ?? "")
    expect(events.at(-1)?.__typename).toBe("JobSucceededEvent")
    expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1))
    expect(events.filter((event) => event.__typename === "JobQueuedEvent")).toHaveLength(2)
    second.process.kill("SIGTERM")
    await once(second.process, "exit")
  })

  it("goes on when nobody reads its log any more", async () => {
    const { process: server, url } = await start()
    server.stdout?.destroy()
    const client = clientOf(url)
    for (const name of ["gone.mp3", "gone-too.mp3"]) {
      const { job } = await submitImport(client, { source: { url: `http://${source.host}/${name}` } })
      expect((await watch(client, job?.id ?? "")).at(-1)?.__typename).toBe("JobFailedEvent")
    }
    server.kill("SIGTERM")
    const [code] = await once(server, "exit")
    expect(code).toBe(0)
  })
})
