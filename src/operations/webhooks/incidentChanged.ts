/** What receivers are told of an incident, when it opens and when it is over. */
import { globalId } from "../../domain/globalId.ts"
import type { OnIncident } from "../incidents/Incidents.ts"
import { enqueueWebhook } from "./enqueue.ts"

export const webhookOfIncident: OnIncident = (tx, { cause, errorCount, id, openedAt, provider, resolvedAt }) =>
  enqueueWebhook(tx, resolvedAt === null ? "INCIDENT_OPENED" : "INCIDENT_RESOLVED", {
    occurredAt: resolvedAt ?? openedAt,
    data: {
      incidentId: globalId("Incident", id),
      status: resolvedAt === null ? "OPEN" : "RESOLVED",
      cause,
      provider,
      errorCount,
      openedAt: openedAt.toISOString(),
      resolvedAt: resolvedAt?.toISOString() ?? null
    }
  })
