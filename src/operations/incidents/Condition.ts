/** What an incident is opened for, and open as long as it holds. */
export interface Condition {
  /** Only one incident is open of each. */
  readonly subject: string
  readonly cause: string
  readonly provider: string | null
  readonly errorCount: number
  /** When it began, where that is known; else when it is noticed. */
  readonly since?: Date
}
