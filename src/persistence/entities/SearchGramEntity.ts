import { defineEntity, type InferEntity, p } from "@mikro-orm/core"

/** Every word of a track that search has ever seen, under each three characters in a row: where a mistyped one is looked up. */
export const SearchGramEntity = defineEntity({
  name: "SearchGram",
  tableName: "search_gram",
  properties: {
    gram: p.text().primary().collation("C"),
    /** Of the word, in characters. */
    length: p.smallint().primary(),
    word: p.text().primary().collation("C")
  }
})
export type SearchGramEntity = InferEntity<typeof SearchGramEntity>
