export interface IncidentRecord {
  readonly id: string
  readonly cause: string
  readonly provider: string | null
  readonly openedAt: Date
  readonly resolvedAt: Date | null
  readonly errorCount: number
}
