/** `/uploads`: resumable uploads by tus 1.0 (https://tus.io/protocols/resumable-upload). */
import { AsyncLocalStorage } from "node:async_hooks"
import type { IncomingMessage, ServerResponse } from "node:http"
import { Server as TusServer } from "@tus/server"
import { Context, Effect } from "effect"
import { uuidV7Unsafe } from "effect/crypto/SecureRandom"
import { everybody, type Viewer } from "../../domain/Viewer.ts"
import { Uploads } from "../../storage/Uploads.ts"
import { type Admission, bearerIn, NotAdmitted, retryAfter } from "../admission.ts"
import { limitBodyTime } from "../bodyTime.ts"
import { sendProblem } from "../problem.ts"
import { TusAnswer, TusStore } from "./tusStore.ts"

export const uploadsPath = "/uploads"

export const isUploadPath = (pathname: string | undefined): boolean => pathname === uploadsPath || pathname?.startsWith(`${uploadsPath}/`) === true

export interface UploadSettings {
  readonly admission: Admission
  readonly maxUploadBytes: number
  readonly publicUrl: () => string
}

/** Where nobody is asked who they are, all that is known is where they come from. */
const accountOf = (viewer: Viewer, request: IncomingMessage): string =>
  viewer === everybody ? `address ${request.socket.remoteAddress ?? "unknown"}` : viewer.name

/**
 * Answers a request to /uploads; the promise rejects with what nobody expected. Nothing here can be sent by a page of another
 * origin without the browser asking first: each request that changes anything needs the header `Tus-Resumable`.
 */
export const makeUploadListener = (services: Context.Context<Uploads>, settings: UploadSettings) => {
  const run = Effect.runPromiseWith(services)
  /** The tus server tells its store of uploads, and not of who asks. */
  const asking = new AsyncLocalStorage<{ readonly account: string; readonly response: ServerResponse }>()
  const server = new TusServer({
    path: uploadsPath,
    datastore: new TusStore(Context.get(services, Uploads), run, () => asking.getStore()?.account ?? ""),
    maxSize: settings.maxUploadBytes,
    // Which origins may call is decided before; see crossSite.ts.
    allowedOrigins: () => false,
    namingFunction: () => uuidV7Unsafe(),
    generateUrl: (_request, { id, path }) => `${settings.publicUrl()}${path}/${id}`,
    onResponseError: (_request, error) => {
      if (error instanceof TusAnswer && error.retryAfterMs !== undefined) {
        for (const [name, value] of Object.entries(retryAfter(error.retryAfterMs))) asking.getStore()?.response.setHeader(name, value)
      }
      // An answer of its own, or of our store.
      if ("status_code" in error) return undefined
      throw error
    }
  })
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let viewer: Viewer
    try {
      viewer = await settings.admission.admitNow(bearerIn(request.headers.authorization), "WRITE")
      if (response.destroyed) return
      response.once("close", settings.admission.watch(viewer, () => response.destroy()))
    } catch (error) {
      if (!(error instanceof NotAdmitted)) throw error
      return sendProblem(response, error.status, error.message, error.headers)
    }
    limitBodyTime(request, { pauseMs: 60_000, totalMs: 6 * 3_600_000 })
    await asking.run({ account: accountOf(viewer, request), response }, () => server.handle(request, response))
  }
}
