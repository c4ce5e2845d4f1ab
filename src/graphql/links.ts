/** The addresses of media that the API hands out; http/media serves them. */
import type { GraphQLContext } from "./GraphQLContext.ts"
import { globalId } from "./ids.ts"

const withQuery = (address: string, query: Readonly<Record<string, number | null | undefined>>): string => {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined)
  return given.length === 0 ? address : `${address}?${given.map(([name, value]) => `${name}=${value}`).join("&")}`
}

export const mediaUrl = ({ publicUrl }: GraphQLContext, artifactId: string): string => `${publicUrl}/media/${globalId("Artifact", artifactId)}`

export const waveformUrl = (
  context: GraphQLContext,
  artifactId: string,
  extension: "json" | "dat" | "png",
  query: Readonly<Record<string, number | null | undefined>>
): string => withQuery(`${mediaUrl(context, artifactId)}/waveform.${extension}`, query)
