import { execFile } from "node:child_process"
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { IConfiguration } from "dependency-cruiser"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

interface Violation {
  readonly rule: { readonly name: string }
  readonly from: string
}

const repository = join(import.meta.dirname, "../../..")
const { default: config }: { readonly default: IConfiguration } = await import(join(repository, ".dependency-cruiser.mjs"))

/** A house in order: every folder, each importing what it may. */
const sound: Record<string, string> = {
  "src/main.ts": 'import { app } from "./App.ts"\napp()',
  "src/App.ts": 'import "./Config.ts"\nimport "./http/server.ts"\nimport "./logging.ts"\nimport "./operations/health.ts"\nexport const app = () => 1',
  "src/Config.ts": 'import { Config } from "effect"\nimport "./config/settings.ts"\nexport { Config }',
  "src/config/settings.ts": 'export { Schema } from "effect"',
  "src/logging.ts": 'export * from "./domain/errors.ts"',
  "src/http/server.ts": 'import "node:http"\nimport "../graphql/builder.ts"\nexport const http = 1',
  "src/graphql/builder.ts": 'import "graphql"\nimport type { Track } from "../library/tracks.ts"\nexport type Node = Track',
  "src/library/tracks.ts": 'import "../jobs/jobs.ts"\nimport "../audio/probe.ts"\nimport "../providers/ports.ts"\nexport interface Track { id: string }',
  "src/operations/health.ts": 'import "../storage/blobs.ts"\nexport const health = 1',
  "src/jobs/jobs.ts": 'import "pg-boss"\nimport "../storage/blobs.ts"\nexport const jobs = 1',
  "src/storage/blobs.ts": 'import "../persistence/database.ts"\nexport const blobs = 1',
  "src/persistence/database.ts": 'import "@mikro-orm/core"\nimport "../domain/errors.ts"\nexport const database = 1',
  "src/providers/ports.ts": 'import "../domain/errors.ts"\nexport const ports = 1',
  "src/audio/probe.ts": 'import "node:fs"\nimport "../domain/errors.ts"\nexport const probe = 1',
  "src/domain/errors.ts": 'import { Schema } from "effect"\nexport const errors = Schema',
  "tests/support/fake.ts": 'export const fake = 1'
}

/** For each rule a file that breaks it. */
const violations: Record<string, { readonly file: string; readonly text: string }> = {
  "http-reaches-down-only": { file: "src/http/direct.ts", text: 'import "../audio/probe.ts"' },
  "graphql-reaches-down-only": { file: "src/graphql/upwards.ts", text: 'import "../http/server.ts"' },
  "access-reaches-down-only": { file: "src/access/sibling.ts", text: 'import "../library/tracks.ts"' },
  "library-reaches-down-only": { file: "src/library/sibling.ts", text: 'import type { H } from "../operations/health.ts"\nexport type S = H' },
  "conversion-reaches-down-only": { file: "src/conversion/sibling.ts", text: 'import "../library/tracks.ts"' },
  "processing-reaches-down-only": { file: "src/processing/feature.ts", text: 'import "../library/tracks.ts"' },
  "enhancement-reaches-down-only": { file: "src/enhancement/sibling.ts", text: 'import "../library/tracks.ts"' },
  "karaoke-reaches-down-only": { file: "src/karaoke/sibling.ts", text: 'import "../library/tracks.ts"' },
  "generation-reaches-down-only": { file: "src/generation/sibling.ts", text: 'import "../library/tracks.ts"' },
  "listening-reaches-down-only": { file: "src/listening/edge.ts", text: 'import "../graphql/builder.ts"' },
  "operations-reaches-down-only": { file: "src/operations/settings.ts", text: 'import "../Config.ts"' },
  "jobs-reaches-down-only": { file: "src/jobs/importJob.ts", text: 'import "../library/tracks.ts"' },
  "storage-reaches-down-only": { file: "src/storage/jobFiles.ts", text: 'export * from "../jobs/jobs.ts"' },
  "persistence-reaches-down-only": { file: "src/persistence/audio.ts", text: 'import "../audio/probe.ts"' },
  "providers-reaches-down-only": { file: "src/providers/rows.ts", text: 'import "../persistence/database.ts"' },
  "audio-reaches-down-only": { file: "src/audio/jobAware.ts", text: 'import type { J } from "../jobs/jobs.ts"\nexport type A = J' },
  "domain-reaches-down-only": { file: "src/domain/upwards.ts", text: 'import "../audio/probe.ts"' },
  "launch-stands-alone": { file: "src/startup/check.ts", text: 'import "../persistence/database.ts"' },
  "only-main-launches-the-app": { file: "src/migrate.ts", text: 'import "./App.ts"' },
  "no-unplaced-folder": { file: "src/helpers/strings.ts", text: 'import "../domain/errors.ts"' },
  "domain-does-no-io": { file: "src/domain/files.ts", text: 'import "node:fs"' },
  "orm-stays-in-persistence": { file: "src/jobs/entities.ts", text: 'import type { EntityManager } from "@mikro-orm/core"\nexport type E = EntityManager' },
  "queue-stays-in-jobs": { file: "src/library/queue.ts", text: 'import "pg-boss"' },
  "graphql-stays-at-the-edge": { file: "src/library/types.ts", text: 'import "graphql"' },
  "platform-node-by-subpath": { file: "src/http/root.ts", text: 'import "@effect/platform-node"' },
  "source-knows-no-test": { file: "src/library/faked.ts", text: 'import "../../tests/support/fake.ts"' },
  "no-development-package-in-source": { file: "src/audio/drawing.ts", text: 'import "waveform-data"' },
  "no-undeclared-package": { file: "src/http/borrowed.ts", text: 'import "acorn"' },
  "no-unresolvable": { file: "src/storage/gone.ts", text: 'export const late = () => import("./nowhere.ts")' },
  "no-cycle": { file: "src/providers/circle.ts", text: 'import "./circleBack.ts"\nexport const a = 1' },
  "no-orphan": { file: "src/audio/forgotten.ts", text: "export const forgotten = 1" }
}
const company = { "src/providers/circleBack.ts": 'import "./circle.ts"\nexport const b = 1' }

describe("The dependency rules", () => {
  let directory: string
  let reported: ReadonlyArray<Violation> = []

  const plant = async (files: Record<string, string>) => {
    for (const [file, text] of Object.entries(files)) {
      await mkdir(join(directory, dirname(file)), { recursive: true })
      await writeFile(join(directory, file), text)
    }
  }
  const check = () =>
    new Promise<ReadonlyArray<Violation>>((resolve, reject) => {
      execFile(
        process.execPath,
        [
          join(repository, "node_modules/dependency-cruiser/bin/dependency-cruiser.mjs"),
          "src",
          "tests",
          "--config",
          join(repository, ".dependency-cruiser.mjs"),
          "--preserve-symlinks",
          "--output-type",
          "json"
        ],
        { cwd: directory, maxBuffer: 64 * 1024 * 1024 },
        (error, stdout) => (stdout === "" ? reject(error ?? new Error("no report")) : resolve(JSON.parse(stdout).summary.violations))
      )
    })

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "playhead-rules-"))
    await symlink(join(repository, "node_modules"), join(directory, "node_modules"))
    await copyFile(join(repository, "package.json"), join(directory, "package.json"))
  })
  afterAll(() => rm(directory, { recursive: true }))

  it("let a house in order pass", async () => {
    await plant(sound)
    expect(await check()).toEqual([])
  })

  it("are each known to this test, with a reason", () => {
    expect(Object.keys(violations).toSorted()).toEqual(config.forbidden?.map((rule) => rule.name).toSorted())
    expect(config.forbidden?.filter((rule) => !rule.comment)).toEqual([])
    expect(config.forbidden?.filter((rule) => rule.severity !== "error")).toEqual([])
  })

  describe("refuse", () => {
    beforeAll(async () => {
      await plant(sound)
      await plant(company)
      await plant(Object.fromEntries(Object.values(violations).map(({ file, text }) => [file, text])))
      reported = await check()
    })

    it.each(Object.entries(violations))("%s", (rule, { file }) => {
      expect(reported.filter((violation) => violation.from === file).map((violation) => violation.rule.name)).toContain(rule)
    })

    it("and nothing that is in order", () => {
      expect(reported.filter((violation) => violation.from in sound)).toEqual([])
    })
  })
})
