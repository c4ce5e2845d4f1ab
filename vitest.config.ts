import { existsSync } from "node:fs"
import { defineConfig } from "vitest/config"

/** Starts one PostgreSQL for all tests that ask for it. */
const postgres = "tests/support/postgres.ts"
const withPostgres = existsSync(postgres) ? { globalSetup: [postgres] } : {}

export default defineConfig({
  // As Node.js itself resolves them: a package like graphql must not be loaded twice, once by tests and once by its users.
  ssr: { resolve: { conditions: ["module-sync", "node", "development|production"] } },
  test: {
    // Tests start databases, servers and ffmpeg: two files at a time keep a small machine busy, more only make it wait.
    pool: "forks",
    maxWorkers: 2,
    // .ci/run counts the tests in that file.
    reporters: process.env["CI"] ? ["dot", ["json", { outputFile: "coverage/tests.json" }]] : ["default"],
    projects: [
      // A worker keeps what it has loaded, but for e2e: to load Playhead anew for each file took longer than most files' tests.
      { extends: true, test: { name: "unit", isolate: false, include: ["tests/unit/**/*.test.ts"], testTimeout: 15_000 } },
      {
        extends: true,
        test: {
          name: "integration",
          isolate: false,
          include: ["tests/integration/**/*.test.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
          ...withPostgres
        }
      },
      {
        extends: true,
        test: { name: "e2e", include: ["tests/e2e/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 120_000, ...withPostgres }
      }
    ],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      reporter: ["text-summary", "html", "json-summary"],
      reportsDirectory: "coverage"
    }
  }
})
