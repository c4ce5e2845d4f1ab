import { readFileSync } from "node:fs"
import { Arbitrary, Effect } from "effect"
import { buildSchema, isObjectType } from "graphql"
import { describe, expect, it } from "vitest"
import { errorCatalog, Failure } from "../../../src/domain/errorCatalog.ts"
import { SourceUnreachableError } from "../../../src/domain/errors.ts"

const lines = readFileSync("docs/errors.md", "utf8").split("\n")
const documented = lines.flatMap((line) => {
  const row = /^\| `(\w+)` \| `(\w+)` \| (yes|no|it depends) \| (.+) \|$/.exec(line)
  return row === null ? [] : [{ name: row[1], code: row[2], retried: row[3], meaning: row[4] }]
})

describe("docs/errors.md", () => {
  it("has one line for each error, with its code and what the schema says of it", () => {
    expect(documented.map(({ code, meaning, name }) => ({ name, code, meaning }))).toEqual(
      Object.entries(errorCatalog).map(([name, { code, documentation }]) => ({ name, code, meaning: documentation }))
    )
  })

  it("has one line for each type that implements Error in the schema", () => {
    const schema = buildSchema(readFileSync("schema.graphql", "utf8"))
    const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && type.getInterfaces().some(({ name }) => name === "Error"))
    expect(documented.map(({ name }) => name).toSorted()).toEqual(types.map(({ name }) => name).toSorted())
  })

  it("says truly which of them are tried again", () => {
    const failures = Effect.runSync(Arbitrary.sampleEffect(Arbitrary.schema(Failure), { count: 1000, seed: "retries" }))
    // Chance seldom finds a status between 300 and 500.
    const refused = new SourceUnreachableError({ message: "No.", url: "http://x/", httpStatus: 404 })
    const byName = Map.groupBy([...failures, refused], ({ _tag }) => _tag)
    for (const { name, retried } of documented) {
      const answers = new Set(byName.get(name as Failure["_tag"])?.map(({ retryable }) => retryable))
      expect([name, retried]).toEqual([name, answers.size === 2 ? "it depends" : answers.has(true) ? "yes" : "no"])
    }
  })
})
