import type { DocumentNode } from "graphql"

/** Keeps what is made of a document for as long as that is kept: equal texts are parsed once, and are one document. */
export const perDocument = <Value>(make: (document: DocumentNode) => Value): ((document: DocumentNode) => Value) => {
  const made = new WeakMap<DocumentNode, Value>()
  return (document) => {
    const before = made.get(document)
    if (before !== undefined || made.has(document)) return before as Value
    const value = make(document)
    made.set(document, value)
    return value
  }
}
