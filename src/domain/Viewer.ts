/** Who asks, and what they may do. */
import { Schema } from "effect"

/** From the least to the most: each includes the ones before it. */
export const Scope = Schema.Literals(["READ", "WRITE", "ADMIN"])
export type Scope = typeof Scope.Type

export interface Viewer {
  /** For the log and for limits: one name, one account. Never a secret. */
  readonly name: string
  /** The highest of their scopes; undefined for one who is known and may do nothing. */
  readonly scope: Scope | undefined
  /** The API key that they came with. */
  readonly keyId: string | undefined
  /** When what they showed stops being valid. */
  readonly expiresAt: Date | undefined
}

const rank = (scope: Scope | undefined): number => (scope === undefined ? -1 : Scope.literals.indexOf(scope))

export const highestOf = (scopes: ReadonlyArray<Scope>): Scope | undefined => scopes.toSorted((a, b) => rank(a) - rank(b)).at(-1)

export const mayDo = (viewer: Pick<Viewer, "scope">, scope: Scope): boolean => rank(viewer.scope) >= rank(scope)

/** Whoever reaches the server, where nobody is asked who they are. */
export const everybody: Viewer = { name: "everybody", scope: "ADMIN", keyId: undefined, expiresAt: undefined }
