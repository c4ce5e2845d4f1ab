import { mayDo, type Scope } from "../domain/Viewer.ts"
import type { IncidentRecord } from "../operations/incidents/IncidentRecord.ts"
import type { ApiKeyRecord } from "../persistence/reads/apiKeys.ts"
import type { ArtifactRecord } from "../persistence/reads/artifacts.ts"
import type { JobRecord } from "../persistence/reads/jobs.ts"
import type { TrackRecord } from "../persistence/reads/tracks.ts"
import type { WebhookDeliveryRecord, WebhookEndpointRecord } from "../persistence/reads/webhooks.ts"
import { refusal } from "./bridge.ts"
import { builder } from "./builder.ts"
import type { GraphQLContext } from "./GraphQLContext.ts"
import { type NodeType, parseGlobalId } from "./ids.ts"

type NodeRecord = { readonly nodeType: NodeType } & (TrackRecord | ArtifactRecord | JobRecord | IncidentRecord | WebhookEndpointRecord | WebhookDeliveryRecord | ApiKeyRecord)

/** Every type gives its own `id`, so the interface asks for none of the record. */
export const NodeInterface = builder.interfaceRef<object>("Node").implement({
  description: "Anything that can be asked for again by its id.",
  resolveType: (node) => (node as NodeRecord).nodeType,
  fields: (t) => ({
    id: t.id({ description: "Global: unique among all things of all types.", resolve: () => { throw new Error("each type resolves its own id") } })
  })
})

/** As the fields that list them. */
const scopes: Readonly<Partial<Record<NodeType, Scope>>> = { ApiKey: "ADMIN", WebhookEndpoint: "ADMIN", WebhookDelivery: "ADMIN" }

type Loader = (loaders: GraphQLContext["loaders"], id: string) => Promise<object | null>

/** A map and no object: ids are made up by clients, and every object has a `constructor`. */
const loaderOf: ReadonlyMap<string, Loader> = new Map<NodeType, Loader>([
  ["Track", ({ track }, id) => track.load(id)],
  ["Artifact", ({ artifact }, id) => artifact.load(id)],
  ["Job", ({ job }, id) => job.load(id)],
  ["Incident", ({ incident }, id) => incident.load(id)],
  ["WebhookEndpoint", ({ webhookEndpoint }, id) => webhookEndpoint.load(id)],
  ["WebhookDelivery", ({ webhookDelivery }, id) => webhookDelivery.load(id)],
  ["ApiKey", ({ apiKey }, id) => apiKey.load(id)]
])

const load = async (text: string, { loaders, viewer }: GraphQLContext): Promise<object | null> => {
  const parsed = parseGlobalId(text)
  const loader = parsed === undefined ? undefined : loaderOf.get(parsed.type)
  if (parsed === undefined || loader === undefined) return null
  const required = scopes[parsed.type as NodeType] ?? "READ"
  if (!mayDo(viewer, required)) throw refusal("FORBIDDEN", `A thing of this type can be seen with the scope ${required} only.`)
  const record = await loader(loaders, parsed.id)
  return record === null ? null : { ...record, nodeType: parsed.type }
}

const maxNodes = 100

builder.queryFields((t) => ({
  node: t.field({
    type: NodeInterface,
    scope: "READ",
    nullable: true,
    description: "The thing with this id; null when there is none.",
    args: { id: t.arg.id({ required: true, description: "As another field returned it." }) },
    resolve: (_, { id }, context) => load(id, context)
  }),
  nodes: t.field({
    type: [NodeInterface],
    scope: "READ",
    nullable: { list: false, items: true },
    description: "Several things by their ids, in the same order; null in the place of each that does not exist. At most 100.",
    args: { ids: t.arg.idList({ required: true, description: "As other fields returned them." }) },
    resolve: (_, { ids }, context) => {
      if (ids.length > maxNodes) throw refusal("INVALID_INPUT", `Ask for at most ${maxNodes} things at once.`)
      return Promise.all(ids.map((id) => load(id, context)))
    }
  })
}))
