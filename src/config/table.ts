import { settings } from "./settings.ts"

export interface SettingDescription {
  readonly name: string
  /** In words; empty when it is unset by default. */
  readonly default: string
  readonly allowed: string
  readonly meaning: string
  /** Whether its value is never shown as it is. */
  readonly secret: boolean
}

/** Every setting, in the order in which a reader wants them. */
export const describeConfig = (): ReadonlyArray<SettingDescription> =>
  Object.values(settings).map(({ allowed, default: byDefault, exposure, meaning, name }) => ({
    name,
    default: byDefault,
    allowed,
    meaning,
    secret: exposure === "secret" || name === "DATABASE_URL"
  }))

/** The table of settings in the README. */
export const configTable = (): string =>
  [
    "| Variable | Default | Meaning | Allowed |",
    "|---|---|---|---|",
    ...describeConfig().map((each) => `| \`${each.name}\` | ${each.default} | ${each.meaning} | ${each.allowed}${each.secret ? " (secret)" : ""} |`)
  ].join("\n")
