import { execFile } from "node:child_process"
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const repository = join(import.meta.dirname, "../../..")

/** For each rule that the code base leans on, a file that breaks it and nothing else. */
const violations: Record<string, { readonly file: string; readonly text: string }> = {
  "playhead(ambient-time)": { file: "src/jobs/now.ts", text: "export const now = () => Date.now()" },
  "playhead(ambient-time) by new Date()": { file: "src/jobs/newDate.ts", text: "export const now = () => new Date()" },
  "playhead(ambient-randomness)": { file: "src/jobs/chance.ts", text: "export const chance = () => Math.random()" },
  "playhead(ambient-randomness) by randomUUID": { file: "src/jobs/id.ts", text: "export const id = () => crypto.randomUUID()" },
  "playhead(ambient-environment)": { file: "src/audio/path.ts", text: 'export const path = () => process.env["FFMPEG_PATH"]' },
  "playhead(ambient-environment) by Effect's Config": { file: "src/audio/config.ts", text: 'import { Config } from "effect"\nexport const path = Config.String("FFMPEG_PATH")' },
  "playhead(try-in-generator)": { file: "src/jobs/attempt.ts", text: "export function* attempt() {\n  try {\n    yield 1\n  } finally {\n    globalThis.gc?.()\n  }\n}" },
  "eslint(no-console)": { file: "src/jobs/print.ts", text: 'export const print = () => console.log("hello")' },
  "eslint(no-restricted-globals)": { file: "src/library/download.ts", text: "export const download = (url: string) => fetch(url)" },
  "eslint(no-warning-comments)": { file: "src/library/later.ts", text: "// TODO: later\nexport const later = 1" },
  "eslint(max-lines)": { file: "src/library/long.ts", text: Array.from({ length: 301 }, (_, line) => `export const line${line} = ${line}`).join("\n") },
  "typescript(no-floating-promises)": { file: "src/http/forgotten.ts", text: "const work = () => Promise.resolve(1)\nexport const start = () => {\n  work()\n}" },
  "typescript(no-explicit-any)": { file: "src/http/any.ts", text: "export type Anything = any" },
  "typescript(no-non-null-assertion)": { file: "src/http/sure.ts", text: "export const sure = (list: Array<string>) => list[0]!" },
  "typescript(switch-exhaustiveness-check)": { file: "src/domain/partial.ts", text: 'export const name = (kind: "A" | "B") => {\n  switch (kind) {\n    case "A":\n      return 1\n  }\n  return 2\n}' },
  "unicorn(no-process-exit)": { file: "src/http/exit.ts", text: "export const leave = () => process.exit(1)" }
}

/** The same words where they are allowed. */
const allowed: Record<string, string> = {
  "src/config/environment.ts": 'export const path = () => process.env["FFMPEG_PATH"]',
  "src/domain/parse.ts": "export const parse = (ms: number) => new Date(ms)",
  "tests/unit/clock.test.ts": 'import { expect, it } from "vitest"\nit("takes time", () => {\n  expect(Date.now()).toBeGreaterThan(Math.random())\n})'
}

interface Diagnostic {
  readonly code: string
  readonly filename: string
}

describe("The lint rules", () => {
  let directory: string
  let reported: ReadonlyArray<Diagnostic>

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "playhead-lint-"))
    await symlink(join(repository, "node_modules"), join(directory, "node_modules"))
    await mkdir(join(directory, "tooling"))
    for (const file of [".oxlintrc.json", "tooling/lintRules.mjs", "tsconfig.json", "package.json"]) {
      await copyFile(join(repository, file), join(directory, file))
    }
    const files = [...Object.values(violations).map(({ file, text }) => [file, text] as const), ...Object.entries(allowed)]
    for (const [file, text] of files) {
      await mkdir(join(directory, dirname(file)), { recursive: true })
      await writeFile(join(directory, file), `${text}\n`)
    }
    reported = await new Promise((resolve, reject) => {
      execFile(
        process.execPath,
        [join(repository, "node_modules/oxlint/bin/oxlint"), "--format", "json", "src", "tests"],
        { cwd: directory, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout) => (stdout === "" ? reject(error ?? new Error("no report")) : resolve(JSON.parse(stdout).diagnostics))
      )
    })
  }, 60_000)
  afterAll(() => rm(directory, { recursive: true }))

  it.each(Object.entries(violations))("refuse %s", (name, { file }) => {
    expect(reported.filter(({ filename }) => filename === file).map(({ code }) => code)).toEqual([name.split(" ")[0]])
  })

  it.each(Object.keys(allowed))("leave %s alone", (file) => {
    expect(reported.filter(({ filename }) => filename === file)).toEqual([])
  })
})
