import type { DocumentNode } from "graphql"

/** Clients send the same few again and again. */
const maxDocuments = 1_000
/** Longer ones are not worth their memory. */
const maxTextLength = 20_000

/** Documents by their text, the latest of them: whatever is found out of one holds for all operations of equal text. */
export const makeDocuments = () => {
  const known = new Map<string, DocumentNode>()
  const set = (text: string, document: DocumentNode): void => {
    if (text.length > maxTextLength) return
    known.delete(text)
    known.set(text, document)
    const [oldest] = known.size > maxDocuments ? known.keys() : []
    if (oldest !== undefined) known.delete(oldest)
  }
  return {
    get: (text: string): DocumentNode | undefined => {
      const document = known.get(text)
      if (document !== undefined) set(text, document)
      return document
    },
    set
  }
}
