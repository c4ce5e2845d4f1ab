/** The way to the collector. One that is down, slow or broken costs what was to be sent to it, and nothing else. */
import { Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpClientError, type HttpClientRequest } from "effect/http"

const timeout = "5 seconds"
/** With so many on their way already, more would only pile up. */
const maxOnTheirWay = 4

const lost = (request: HttpClientRequest.HttpClientRequest, description: string) =>
  new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, description }) })

export const layer = (endpoint: string): Layer.Layer<HttpClient.HttpClient> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.map(HttpClient.HttpClient, (client) => {
      let onTheirWay = 0
      let answers = true
      const notice = (now: boolean, cause?: unknown) =>
        Effect.suspend(() => {
          if (now === answers) return Effect.void
          answers = now
          return now
            ? Effect.logInfo("The OpenTelemetry collector answers again")
            : Effect.logWarning(`The OpenTelemetry collector at ${new URL(endpoint).host} does not take what is sent; traces and metrics are dropped until it does`, cause)
        })
      return HttpClient.transform(client, (response, request) =>
        Effect.suspend(() => {
          if (onTheirWay >= maxOnTheirWay) return Effect.fail(lost(request, "the collector is too slow"))
          onTheirWay++
          return response.pipe(
            Effect.timeoutOrElse({ duration: timeout, orElse: () => Effect.fail(lost(request, `no answer within ${timeout}`)) }),
            Effect.tap(({ status }) => notice(status < 400, status < 400 ? undefined : new Error(`it answered ${status}`))),
            Effect.tapError((error) => notice(false, error)),
            Effect.ensuring(Effect.sync(() => {
              onTheirWay--
            }))
          )
        }))
    })
  ).pipe(Layer.provide(FetchHttpClient.layer))
