import { type DocumentNode, visit } from "graphql"

/** Documents are parsed once and kept. */
const known = new WeakMap<DocumentNode, ReadonlySet<string>>()

/** The names of all fields in a document, of whatever type. */
export const wantedFields = (document: DocumentNode): ReadonlySet<string> => {
  const before = known.get(document)
  if (before !== undefined) return before
  const names = new Set<string>()
  visit(document, {
    Field: ({ name }) => {
      names.add(name.value)
    }
  })
  known.set(document, names)
  return names
}
