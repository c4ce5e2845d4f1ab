/**
 * What in schema.graphql breaks clients that were written for an earlier commit: HEAD, or, when the file is as it is there,
 * the commit before; another one by its name as an argument. Without that commit, as in a shallow clone, there is nothing
 * to compare with. By semantic versioning breaking changes are free before 1.0.0, and need a new major version from there
 * on: only without one they fail. `npm run breaking`.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { BreakingChangeType, buildSchema, findSchemaChanges } from "graphql"

/** Undefined where there is no such commit, no such file in it, or no repository. */
const fileAt = (commit: string, file: string): string | undefined => {
  try {
    return execFileSync("git", ["show", `${commit}:./${file}`], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 2 ** 26 })
  } catch {
    return undefined
  }
}

const majorOf = (packageJson: string | undefined): number => {
  const { version } = JSON.parse(packageJson ?? "{}") as { version?: string }
  return Number.parseInt(version ?? "0", 10)
}

const schema = readFileSync("schema.graphql", "utf8")
const base = process.argv[2] ?? (fileAt("HEAD", "schema.graphql") === schema ? "HEAD^" : "HEAD")
const before = fileAt(base, "schema.graphql")

if (before === undefined) process.stdout.write(`There is no schema.graphql at ${base}: nothing to compare with.\n`)
else {
  const breaking = findSchemaChanges(buildSchema(before), buildSchema(schema)).filter(({ type }) => type in BreakingChangeType)
  for (const { description, type } of breaking) process.stdout.write(`${type}: ${description}\n`)
  const major = majorOf(existsSync("package.json") ? readFileSync("package.json", "utf8") : undefined)
  const allowed = major === 0 || major > majorOf(fileAt(base, "package.json"))
  process.stdout.write(`${breaking.length} change(s) since ${base} break clients${breaking.length === 0 ? "" : allowed ? ", as this version may" : ": that needs a new major version"}.\n`)
  if (breaking.length > 0 && !allowed) process.exitCode = 1
}
