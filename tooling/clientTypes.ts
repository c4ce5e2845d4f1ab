/**
 * Writes tests/client/schema.d.ts, by which gql.tada types the documents of a client, from schema.graphql; with --check,
 * says whether it is up to date. `npm run client`.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { minifyIntrospection, outputIntrospectionFile } from "@gql.tada/internal"
import { buildSchema, introspectionFromSchema } from "graphql"

const file = new URL("../tests/client/schema.d.ts", import.meta.url)
const introspection = introspectionFromSchema(buildSchema(readFileSync(new URL("../schema.graphql", import.meta.url), "utf8")), { descriptions: false })
const written = outputIntrospectionFile(minifyIntrospection(introspection), { fileType: ".d.ts", shouldPreprocess: true, preamble: "/** Written by `npm run client`, from schema.graphql. */\n" })

if (!process.argv.includes("--check")) writeFileSync(file, written)
else if (readFileSync(file, "utf8") !== written) {
  process.stderr.write("tests/client/schema.d.ts is not what schema.graphql says: run npm run client and commit it.\n")
  process.exitCode = 1
}
