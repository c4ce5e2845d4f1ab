import { Effect } from "effect"
import { RateLimits } from "../../access/RateLimits.ts"
import type { RateLimitedError } from "../../domain/errors.ts"
import type { GraphQLContext } from "../GraphQLContext.ts"

/** Before each job that a field starts: fails where its viewer has started too many lately. */
export const mayStartJob = ({ viewer }: Pick<GraphQLContext, "viewer">): Effect.Effect<void, RateLimitedError, RateLimits> => Effect.flatMap(RateLimits, (limits) => limits.job(viewer))
