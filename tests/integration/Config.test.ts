import { spawnSync } from "node:child_process"
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"

const source = join(import.meta.dirname, "../../src")
const program = `
  import { Effect } from ${JSON.stringify(import.meta.resolve("effect"))}
  import { AppConfig } from ${JSON.stringify(join(source, "Config.ts"))}
  import { startFailure } from ${JSON.stringify(join(source, "startup/startFailure.ts"))}
  const config = await Effect.runPromise(Effect.result(Effect.provide(AppConfig, AppConfig.layer)))
  if (config._tag === "Success") console.log(JSON.stringify(config.success))
  else {
    const { exitCode, line } = startFailure(config.failure)
    console.error(line)
    process.exitCode = exitCode
  }
`

describe("The configuration of a process", () => {
  let directory: string
  beforeEach(async () => {
    directory = await realpath(await mkdtemp(join(tmpdir(), "playhead-config-")))
  })
  afterEach(() => rm(directory, { recursive: true }))

  const start = (environment: Record<string, string> = {}) =>
    spawnSync(process.execPath, ["--input-type=module", "--eval", program], { cwd: directory, env: environment, encoding: "utf8" })

  it("comes from the environment and from .env in the working directory, which also relative paths start from", async () => {
    await writeFile(join(directory, ".env"), "PORT=4100\nJOB_CONCURRENCY=3\nPLAYHEAD_DATA_DIR=sound\n")
    const { status, stdout } = start({ PORT: "4200" })
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ port: 4200, jobConcurrency: 3, dataDir: join(directory, "sound"), logFormat: "json" })
  })

  it("needs no .env", () => {
    expect(JSON.parse(start().stdout)).toMatchObject({ port: 4000 })
  })

  it("ends the start with code 78 and all faults of both", async () => {
    await writeFile(join(directory, ".env"), "PORT=none\nDATABASE_URL=mysql://me:topsecret@db\n")
    const { status, stderr } = start({ LOG_LEVEL: "loud" })
    expect(status).toBe(78)
    expect(stderr).toMatch(/PORT="none": [\s\S]*DATABASE_URL="mysql:\/\/me:\*\*\*@db": [\s\S]*LOG_LEVEL="loud": /u)
    expect(stderr).not.toContain("topsecret")
  })

  it("ends the start with code 78 when .env cannot be read", async () => {
    await mkdir(join(directory, ".env"))
    const { status, stderr } = start()
    expect(status).toBe(78)
    expect(stderr).toContain(`${join(directory, ".env")}: cannot be read`)
  })

  it("ends the start with code 78 where everybody on a network could use the API, and not where a key is required", () => {
    const open = start({ HOST: "0.0.0.0" })
    expect(open.status).toBe(78)
    expect(open.stderr).toMatch(/HOST="0\.0\.0\.0": must be a loopback address .* set PLAYHEAD_ADMIN_KEY/u)
    expect(start({ HOST: "0.0.0.0", PLAYHEAD_ADMIN_KEY: "0123456789abcdef0123456789abcdef" }).status).toBe(0)
  })
})
