/** The builder of the schema, and nothing else: types stand in the files of what they describe. */
import SchemaBuilder from "@pothos/core"
import ErrorsPlugin from "@pothos/plugin-errors"
import { scopePlugin } from "./access/scopePlugin.ts"
import type { GraphQLContext } from "./GraphQLContext.ts"
import type { UploadedFile } from "./UploadedFile.ts"

export const builder = new SchemaBuilder<{
  Context: GraphQLContext
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    URL: { Input: string; Output: string }
    File: { Input: UploadedFile; Output: never }
  }
}>({
  plugins: [ErrorsPlugin, scopePlugin],
  defaultFieldNullability: false,
  errors: { directResult: true, defaultTypes: [] }
})

builder.queryType({ description: "Reads. They never change anything." })
builder.mutationType({ description: "Changes. Each answers with a union of its success and of the failures that can be expected of it." })
builder.subscriptionType({ description: "Live streams, over WebSocket (graphql-transport-ws) or server-sent events." })
