/** The addresses of media that the API hands out; http/media serves them. */
import { Context } from "effect"
import { MediaLinks } from "../access/MediaLinks.ts"
import type { GraphQLContext } from "./GraphQLContext.ts"
import { globalId } from "./ids.ts"

const addressOf = ({ publicUrl, services }: GraphQLContext, path: string, query: Readonly<Record<string, number | null | undefined>> = {}): string => {
  const given = Object.entries(query).flatMap(([name, value]) => (value === null || value === undefined ? [] : [`${name}=${value}`]))
  const signed = Context.get(services, MediaLinks).sign(path)
  const all = signed === undefined ? given : [...given, signed]
  return `${publicUrl}${path}${all.length === 0 ? "" : `?${all.join("&")}`}`
}

const pathOf = (artifactId: string): string => `/media/${globalId("Artifact", artifactId)}`

export const mediaUrl = (context: GraphQLContext, artifactId: string): string => addressOf(context, pathOf(artifactId))

export const waveformUrl = (
  context: GraphQLContext,
  artifactId: string,
  extension: "json" | "dat" | "png",
  query: Readonly<Record<string, number | null | undefined>>
): string => addressOf(context, `${pathOf(artifactId)}/waveform.${extension}`, query)
