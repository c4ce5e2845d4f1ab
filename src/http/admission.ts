/** Lets requests in: who asks, whether they may, and not too often. The same for every route and transport. */
import { Context, Effect } from "effect"
import { Access, type Ending } from "../access/Access.ts"
import { RateLimits } from "../access/RateLimits.ts"
import type { Unauthenticated } from "../access/Unauthenticated.ts"
import type { ErrorCode } from "../domain/ErrorCode.ts"
import type { ProviderError, RateLimitedError } from "../domain/errors.ts"
import { everybody, mayDo, type Scope, type Viewer } from "../domain/Viewer.ts"
import { RequestFault } from "./RequestFault.ts"

/** A request that is not let in, and how that is said over HTTP. */
export class NotAdmitted extends RequestFault {
  readonly code: ErrorCode
  readonly headers: Readonly<Record<string, string>>
  readonly retryAfterMs: number | undefined
  constructor(code: ErrorCode, status: number, message: string, headers: Readonly<Record<string, string>> = {}, retryAfterMs?: number) {
    super(message, status)
    this.code = code
    this.headers = headers
    this.retryAfterMs = retryAfterMs
  }
}

/** How long to wait for an issuer of tokens that is out of order. */
const issuerRetryMs = 30_000

export const retryAfter = (ms: number) => ({ "retry-after": String(Math.ceil(ms / 1000)) })

const notAdmitted = (failure: Unauthenticated | ProviderError | RateLimitedError): NotAdmitted => {
  switch (failure._tag) {
    case "Unauthenticated":
      return new NotAdmitted("UNAUTHENTICATED", 401, failure.message, { "www-authenticate": `Bearer realm="Playhead"` })
    case "ProviderError":
      return new NotAdmitted("PROVIDER_FAILED", 503, failure.message, retryAfter(issuerRetryMs), issuerRetryMs)
    case "RateLimitedError":
      return new NotAdmitted("RATE_LIMITED", 429, failure.message, retryAfter(failure.retryAfterMs), failure.retryAfterMs)
  }
}

const forbidden = (required: Scope, { scope }: Viewer) => new NotAdmitted("FORBIDDEN", 403, `This needs the scope ${required}; what was shown has ${scope ?? "none"}.`)

/** What an `Authorization` header shows (RFC 6750). */
export const bearerIn = (header: string | undefined): string | undefined => /^Bearer +([^\s]+) *$/iu.exec(header ?? "")?.[1]

export interface Admission {
  /** Whether anybody is asked who they are. */
  readonly required: boolean
  /** Who asks, by what they show. With a scope, only who has it is let in. */
  readonly admit: (shown: string | undefined, scope?: Scope) => Effect.Effect<Viewer, NotAdmitted>
  /** The same where no Effect runs; rejects with NotAdmitted. */
  readonly admitNow: (shown: string | undefined, scope?: Scope) => Promise<Viewer>
  /** Counts another request of one who was let in; rejects with NotAdmitted. */
  readonly again: (viewer: Viewer) => Promise<void>
  /** Calls `onEnded` if what the viewer has shown stops being valid. Returns how to stop watching. */
  readonly watch: (viewer: Viewer, onEnded: (ending: Ending) => void) => () => void
}

export const makeAdmission = (services: Context.Context<Access | RateLimits>): Admission => {
  const access = Context.get(services, Access)
  const limits = Context.get(services, RateLimits)
  const run = Effect.runPromiseWith(services)

  const admit = Effect.fn("http.admit")(function* (shown: string | undefined, scope?: Scope) {
    const viewer = yield* Effect.mapError(access.authenticate(shown), notAdmitted)
    yield* Effect.mapError(limits.request(viewer), notAdmitted)
    if (scope !== undefined && !mayDo(viewer, scope)) return yield* Effect.fail(forbidden(scope, viewer))
    return viewer
  })

  return {
    required: access.required,
    admit,
    admitNow: (shown, scope) => (access.required ? run(admit(shown, scope)) : Promise.resolve(everybody)),
    again: (viewer) => (access.required ? run(Effect.mapError(limits.request(viewer), notAdmitted)) : Promise.resolve()),
    watch: (viewer, onEnded) => {
      if (viewer.keyId === undefined && viewer.expiresAt === undefined) return () => {}
      const fiber = Effect.runForkWith(services)(Effect.map(access.ended(viewer), onEnded))
      return () => fiber.interruptUnsafe()
    }
  }
}
