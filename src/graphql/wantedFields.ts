import { visit } from "graphql"
import { perDocument } from "./perDocument.ts"

/** The names of all fields in a document, of whatever type. */
export const wantedFields = perDocument((document): ReadonlySet<string> => {
  const names = new Set<string>()
  visit(document, {
    Field: ({ name }) => {
      names.add(name.value)
    }
  })
  return names
})
