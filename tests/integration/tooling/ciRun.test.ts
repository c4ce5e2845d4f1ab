import { execFileSync, spawnSync } from "node:child_process"
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"

const repository = join(import.meta.dirname, "../../..")
/** All that the script may find besides what a test puts in their place. */
const programs = ["bash", "cat", "dirname", "env", "mkdir", "rm"]

const report = (passed: number, failed: number, unloaded = 0) =>
  JSON.stringify({
    numPassedTests: passed,
    numFailedTests: failed,
    testResults: [
      { status: failed > 0 ? "failed" : "passed", assertionResults: failed > 0 ? [{ status: "failed" }] : [] },
      ...Array.from({ length: unloaded }, () => ({ status: "failed", assertionResults: [] }))
    ]
  })

describe("The check of a fresh clone", () => {
  let directory: string

  const program = async (name: string, does: string) => {
    const path = join(directory, "bin", name)
    await writeFile(path, `#!/usr/bin/env bash\n${does}\n`)
    await chmod(path, 0o755)
  }
  /** Runs the script with an npm that only plays its part: `scripts` says how each of its commands ends. */
  const run = async (scripts: { readonly [command: string]: string }) => {
    const cases = Object.entries(scripts).map(([command, does]) => `"${command}"*) ${does} ;;`)
    await program("npm", `case "$*" in\n${cases.join("\n")}\nesac`)
    const { status, stdout } = spawnSync(join(directory, ".ci/run"), { encoding: "utf8", env: { PATH: join(directory, "bin") } })
    return { status, lines: stdout.trimEnd().split("\n") }
  }
  const testsGive = (json: string, exitCode = 0) => `mkdir -p coverage; echo '${json}' > coverage/tests.json; exit ${exitCode}`

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "playhead-ci-"))
    for (const folder of [".ci", "tooling", "bin", "node_modules/.bin"]) await mkdir(join(directory, folder), { recursive: true })
    for (const file of [".ci/run", "tooling/testTotals.mjs"]) await copyFile(join(repository, file), join(directory, file))
    await symlink(process.execPath, join(directory, "node_modules/.bin/node"))
    for (const name of programs) await symlink(execFileSync("which", [name], { encoding: "utf8" }).trim(), join(directory, "bin", name))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it("ends with the number of tests, and well, when all is well", async () => {
    const { lines, status } = await run({ test: testsGive(report(12, 0)) })
    expect(lines.at(-1)).toBe("12 passed, 0 failed")
    expect(status).toBe(0)
  })

  it("fails with its tests", async () => {
    const { lines, status } = await run({ test: testsGive(report(10, 2), 1) })
    expect(lines.at(-1)).toBe("10 passed, 2 failed")
    expect(lines.at(-2)).toBe("Failed steps: tests")
    expect(status).toBe(1)
  })

  it("counts a test file that cannot be loaded as a failure", async () => {
    const { lines, status } = await run({ test: testsGive(report(10, 0, 1), 1) })
    expect(lines.at(-1)).toBe("10 passed, 1 failed")
    expect(status).toBe(1)
  })

  it("fails with a step before the tests, names it, and runs the others all the same", async () => {
    const { lines, status } = await run({ "run --silent types": "exit 2", "run --silent unused": "exit 1", test: testsGive(report(3, 0)) })
    expect(lines.at(-1)).toBe("3 passed, 0 failed")
    expect(lines.at(-2)).toBe("Failed steps: types unused")
    expect(status).toBe(1)
  })

  it("fails when no test ran", async () => {
    expect(await run({ test: testsGive(report(0, 0)) })).toMatchObject({ status: 1 })
    const { lines, status } = await run({ test: "exit 0" })
    expect(lines.slice(-2)).toEqual(["No test ran.", "0 passed, 0 failed"])
    expect(status).toBe(1)
  })

  it("does not count what an earlier run left, and stops where nothing could be installed", async () => {
    await run({ test: testsGive(report(5, 0)) })
    expect((await run({ test: "exit 1" })).lines.at(-1)).toBe("0 passed, 0 failed")
    const { lines, status } = await run({ ci: "exit 1", test: testsGive(report(5, 0)) })
    expect(lines.slice(-2)).toEqual(["Failed steps: install", "0 passed, 0 failed"])
    expect(status).toBe(1)
  })

  describe("where promtool is missing", () => {
    const aptGet = async (does: string) => {
      await program("apt-get", `echo "$*" >> "${join(directory, "asked")}"; ${does}`)
      return run({ test: testsGive(report(3, 0)) })
    }
    const asked = () => readFile(join(directory, "asked"), "utf8").catch(() => "")

    it("installs it as root", async () => {
      await program("id", "echo 0")
      expect(await aptGet("exit 0")).toMatchObject({ status: 0 })
      expect(await asked()).toMatch(/ update\n.* install -y --no-install-recommends prometheus\n$/)
    })

    it("says so when that fails, and runs the tests all the same", async () => {
      await program("id", "echo 0")
      const { lines, status } = await aptGet("exit 100")
      expect(lines).toContainEqual(expect.stringMatching(/^promtool could not be installed/))
      expect(lines.at(-1)).toBe("3 passed, 0 failed")
      expect(status).toBe(0)
    })

    it("leaves the machine alone where it is nobody's to install on, and where promtool is there", async () => {
      await program("id", "echo 1000")
      expect(await aptGet("exit 100")).toMatchObject({ status: 0 })
      await program("id", "echo 0")
      await program("promtool", "exit 0")
      expect(await aptGet("exit 100")).toMatchObject({ status: 0 })
      expect(await asked()).toBe("")
    })
  })
})
