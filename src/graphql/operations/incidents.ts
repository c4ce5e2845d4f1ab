import { Effect } from "effect"
import type { IncidentRecord } from "../../operations/incidents/IncidentRecord.ts"
import { Incidents } from "../../operations/incidents/Incidents.ts"
import { read, refusal, watch } from "../bridge.ts"
import { builder } from "../builder.ts"
import { globalId } from "../ids.ts"
import { NodeInterface } from "../NodeInterface.ts"

const maxIncidents = 100

const IncidentStatusEnum = builder.enumType("IncidentStatus", {
  description: "Whether an incident is over.",
  values: { OPEN: { description: "It goes on." }, RESOLVED: { description: "It is over." } } as const
})

const IncidentRef = builder.objectRef<IncidentRecord>("Incident").implement({
  description: "Something that an operator should know of. It opens and resolves by itself: on a breaker that is open, when the database or the store of files fails, and when jobs fail so fast that the error budget will not last.",
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: "Global.", resolve: ({ id }) => globalId("Incident", id) }),
    status: t.field({ type: IncidentStatusEnum, description: "Whether it is over.", resolve: ({ resolvedAt }) => (resolvedAt === null ? "OPEN" as const : "RESOLVED" as const) }),
    cause: t.exposeString("cause", { description: "What is wrong, for people." }),
    provider: t.exposeString("provider", { nullable: true, description: "Whose fault it is, where it is a provider's." }),
    openedAt: t.expose("openedAt", { type: "DateTime", description: "When it was noticed." }),
    resolvedAt: t.expose("resolvedAt", { type: "DateTime", nullable: true, description: "When it was over." }),
    errorCount: t.exposeInt("errorCount", { description: "Failures that belong to it." })
  })
})

builder.queryField("incidents", (t) =>
  t.field({
    type: [IncidentRef],
    scope: "READ",
    description: "Incidents, the newest first.",
    args: {
      status: t.arg({ type: IncidentStatusEnum, description: "Only those that are open, or over." }),
      first: t.arg.int({ defaultValue: 20, description: `How many, 1 to ${maxIncidents}.` })
    },
    resolve: async (_, { first, status }, context) => {
      const limit = first ?? 20
      if (limit < 1 || limit > maxIncidents) throw refusal("INVALID_INPUT", `\`first\` must be from 1 to ${maxIncidents}.`)
      return [...await read(Effect.flatMap(Incidents, (incidents) => incidents.list({ status: status ?? null, limit })), context)]
    }
  }))

builder.subscriptionField("incidentChanged", (t) =>
  t.field({
    type: IncidentRef,
    scope: "READ",
    description: "Each open incident at once, and each one as it opens and resolves.",
    subscribe: (_, _args, context) => watch(Effect.flatMap(Incidents, (incidents) => incidents.changed), 0, context),
    resolve: (incident) => incident
  }))
