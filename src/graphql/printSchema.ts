/** Writes schema.graphql; with --check, says whether it is what the code has. */
import { readFileSync, writeFileSync } from "node:fs"
import { lexicographicSortSchema, printSchema } from "graphql"
import { schema } from "./schema.ts"

const file = new URL("../../schema.graphql", import.meta.url)
const printed = `${printSchema(lexicographicSortSchema(schema))}\n`

if (!process.argv.includes("--check")) writeFileSync(file, printed)
else if (readFileSync(file, "utf8") !== printed) {
  process.stderr.write("schema.graphql is not what the code has: run npm run schema and commit it.\n")
  process.exitCode = 1
}
