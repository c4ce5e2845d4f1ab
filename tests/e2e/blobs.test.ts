import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as pause } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { clientOf, submitUpload, watch } from "../support/app.ts"
import { song } from "../support/audio.ts"

const kills = 4

describe("the files of a server that is killed again and again", () => {
  let dataDir: string
  let environment: NodeJS.ProcessEnv

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), "playhead-blobs-"))
    environment = { ...process.env, PORT: "0", PLAYHEAD_DATA_DIR: dataDir, LOG_FORMAT: "json", LOG_LEVEL: "info" }
  })
  afterAll(() => rm(dataDir, { recursive: true, force: true }))

  const start = async () => {
    const child = spawn(process.execPath, ["src/main.ts"], { stdio: ["ignore", "pipe", "ignore"], env: environment })
    for await (const line of createInterface(child.stdout)) {
      const url = /GraphiQL is at (http:\S+)\/graphql/.exec(line)?.[1]
      if (url === undefined) continue
      child.stdout.resume()
      const kill = async (signal: NodeJS.Signals) => {
        child.kill(signal)
        await once(child, "exit")
      }
      return { url, kill, ...clientOf(url) }
    }
    throw new Error("the server ended before it was ready")
  }

  const check = (...flags: ReadonlyArray<string>) =>
    new Promise<{ readonly code: number; readonly output: string }>((resolve) => {
      execFile(process.execPath, ["src/blobs.ts", "check", ...flags], { env: { ...environment, LOG_LEVEL: "none" } }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === "number" ? error.code : 0, output: stdout + stderr }))
    })
  const pathOf = (sha256: string) => join(dataDir, "blobs", sha256.slice(0, 2), sha256.slice(2, 4), sha256)

  it("are all known, and everything that is known is there", async () => {
    for (let n = 0; n < kills; n += 1) {
      const server = await start()
      const content = await readFile(await song(`killed-${n}.mp3`, { seconds: 3, args: ["-af", `volume=${0.5 + n / 20}`] }))
      const work = Promise.all([
        submitUpload(server, content, "killed.mp3", { allowDuplicate: true }),
        submitUpload(server, content, "twin.mp3", { allowDuplicate: true })
      ]).catch(() => [])
      await pause(Math.random() * 900)
      await server.kill("SIGKILL")
      await work
    }
    expect(await check()).toMatchObject({ code: 0, output: expect.stringMatching(/^\d+ files, \d+ rows, 0 faults\n$/u) })
  }, 240_000)

  it("that other hands took, cut, or added are found, and mended on demand", async () => {
    const server = await start()
    const answer = await submitUpload(server, await readFile(await song("kept.mp3", { seconds: 3, args: ["-af", "volume=0.3"] })), "kept.mp3", { allowDuplicate: true })
    await watch(server, answer.job?.id ?? "")
    const other = await submitUpload(server, await readFile(await song("lost.mp3", { seconds: 3, args: ["-af", "volume=0.2"] })), "lost.mp3", { allowDuplicate: true })
    await watch(server, other.job?.id ?? "")
    const transcoded = await server.query<{ trackTranscode: { job: { id: string } } }>(
      "mutation($id: ID!) { trackTranscode(id: $id, options: { format: OPUS }) { ... on JobStartSuccess { job { id } } } }",
      { id: answer.track?.id }
    )
    await watch(server, transcoded.trackTranscode.job.id)
    const filesOf = async (id: string | undefined) =>
      (await server.query<{ track: { artifacts: ReadonlyArray<{ role: string; sha256: string }> } }>("query($id: ID!) { track(id: $id) { artifacts { role sha256 } } }", { id })).track.artifacts
    const opus = (await filesOf(answer.track?.id)).find(({ role }) => role === "TRANSCODED")?.sha256 ?? ""
    const original = (await filesOf(other.track?.id)).find(({ role }) => role === "ORIGINAL")?.sha256 ?? ""
    await server.kill("SIGTERM")

    const stray = "ab".repeat(32)
    await mkdir(join(dataDir, "blobs", "ab", "ab"), { recursive: true })
    await writeFile(pathOf(stray), "nobody's")
    await truncate(pathOf(opus), 100)
    await rm(pathOf(original))

    const found = await check()
    expect(found.code).toBe(1)
    expect(found.output).toContain(`${stray}  a file without a row\n`)
    expect(found.output).toMatch(new RegExp(`${opus}  a row without its file: 100 bytes instead of \\d+\n`, "u"))
    expect(found.output).toContain(`${original}  a row without its file\n`)
    expect(found.output).toContain("3 faults; --mend removes them")
    expect(existsSync(pathOf(stray))).toBe(true)

    expect(await check("--mend")).toMatchObject({ code: 0, output: expect.stringContaining("3 faults") })
    expect(await check()).toMatchObject({ code: 0, output: expect.stringContaining("0 faults") })
    expect(existsSync(pathOf(stray))).toBe(false)

    const again = await start()
    const tracks = await again.query<Record<string, { status: string; artifacts: ReadonlyArray<{ role: string }> }>>(
      "query($a: ID!, $b: ID!) { kept: track(id: $a) { status artifacts { role } } lost: track(id: $b) { status artifacts { role } } }",
      { a: answer.track?.id, b: other.track?.id }
    )
    expect(tracks).toEqual({ kept: { status: "READY", artifacts: [{ role: "ORIGINAL" }] }, lost: { status: "FAILED", artifacts: [] } })
    // What was lost can be imported anew.
    const anew = await submitUpload(again, await readFile(await song("lost.mp3")), "lost.mp3")
    expect(anew.__typename).toBe("TrackImportSuccess")
    await again.kill("SIGTERM")
  }, 120_000)

  it("are not looked at while the embedded database is the server's", async () => {
    const server = await start()
    const refused = await check()
    expect(refused.code).not.toBe(0)
    expect(refused.output.trim().split("\n")).toHaveLength(1)
    await server.kill("SIGTERM")
  })
})
