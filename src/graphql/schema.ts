/** The whole schema: importing a file of types adds them to the builder. */
import "./scalars.ts"
import "./errors/errorTypes.ts"
import "./NodeInterface.ts"
import "./jobs/Job.ts"
import "./jobs/control.ts"
import "./jobs/subscriptions.ts"
import "./library/Track.ts"
import "./library/tracks.ts"
import "./library/imports.ts"
import "./conversion/conversions.ts"
import "./library/changes.ts"
import "./library/subscriptions.ts"
import "./operations/health.ts"
import { builder } from "./builder.ts"

export const schema = builder.toSchema()
