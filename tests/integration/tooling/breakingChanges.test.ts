import { execFileSync, spawnSync } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"

const script = join(import.meta.dirname, "../../../tooling/breakingChanges.ts")

describe("The check for breaking changes of the schema", () => {
  let directory: string
  const git = (...args: ReadonlyArray<string>) =>
    execFileSync("git", ["-c", "user.name=A test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false", ...args], { cwd: directory, stdio: "pipe" })
  const write = async (version: string, fields: string) => {
    await writeFile(join(directory, "package.json"), JSON.stringify({ version }))
    await writeFile(join(directory, "schema.graphql"), `type Query { ${fields} }\n`)
  }
  const commit = () => {
    git("add", ".")
    git("commit", "-qm", "A change")
  }
  const check = (cwd = directory) => {
    const { status, stdout } = spawnSync(process.execPath, [script], { cwd, encoding: "utf8" })
    return { status, stdout }
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "playhead-schema-"))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it("has nothing to say without a repository, at the first commit, and in a shallow clone", async () => {
    await write("1.0.0", "a: Int b: Int")
    expect(check()).toMatchObject({ status: 0, stdout: expect.stringContaining("nothing to compare with") })
    git("init", "-q")
    commit()
    expect(check()).toMatchObject({ status: 0, stdout: expect.stringContaining("nothing to compare with") })
    await write("1.0.0", "a: Int")
    commit()
    git("clone", "-q", "--depth", "1", `file://${directory}`, join(directory, "shallow"))
    expect(check(join(directory, "shallow"))).toMatchObject({ status: 0, stdout: expect.stringContaining("nothing to compare with") })
  })

  it("names what breaks, committed or not, and fails unless the version may", async () => {
    git("init", "-q")
    await write("1.0.0", "a: Int b: Int")
    commit()
    await write("1.1.0", "a: Int c: Int")
    expect(check()).toMatchObject({ status: 1, stdout: expect.stringMatching(/FIELD_REMOVED: .*Query\.b[^]*1 change\(s\) since HEAD break/) })
    commit()
    expect(check()).toMatchObject({ status: 1, stdout: expect.stringMatching(/FIELD_REMOVED: .*Query\.b[^]*1 change\(s\) since HEAD\^ break/) })
    await write("2.0.0", "a: Int")
    expect(check()).toMatchObject({ status: 0, stdout: expect.stringMatching(/Query\.c[^]*as this version may/) })
    await write("1.1.1", "a: Int c: Int d: Int")
    expect(check()).toEqual({ status: 0, stdout: "0 change(s) since HEAD break clients.\n" })
  })

  it("lets anything change before 1.0.0, and names it all the same", async () => {
    git("init", "-q")
    await write("0.1.0", "a: Int b: Int")
    commit()
    await write("0.1.0", "a: String b: Int")
    expect(check()).toMatchObject({ status: 0, stdout: expect.stringContaining("FIELD_CHANGED_KIND: ") })
  })
})
