/** Playhead itself, serving its API from the PostgreSQL of DATABASE_URL. Events come through that. */
import { Context, Effect, Layer, Scope } from "effect"
import { appLayer } from "../../../src/App.ts"
import { loadConfig } from "../../../src/Config.ts"
import { globalId } from "../../../src/graphql/ids.ts"
import { Server } from "../../../src/http/Server.ts"
import { layer as logging } from "../../../src/logging.ts"
import { jobUuid, report, serve } from "./protocol.ts"

const config = await Effect.runPromise(loadConfig({
  environment: { ...process.env, PORT: "0", PLAYHEAD_ROLES: "api", LOG_LEVEL: "error" },
  dotEnv: undefined,
  workingDirectory: process.cwd(),
  isTerminal: false,
  cores: 2
} as Parameters<typeof loadConfig>[0]))
const scope = Scope.makeUnsafe()
const context = await Effect.runPromise(
  Layer.build(appLayer(config).pipe(Layer.provide(logging({ format: config.logFormat, level: config.logLevel })))).pipe(Effect.provideService(Scope.Scope, scope))
)
serve(() => {})
report({ _tag: "listening", port: Context.get(context, Server).port, jobId: globalId("Job", jobUuid) })
