/** An OpenTelemetry collector on 127.0.0.1 that keeps what it is sent (OTLP over HTTP, JSON), or misbehaves. */
import http, { type IncomingHttpHeaders, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"

interface KeyValue {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: string | number; readonly doubleValue?: number; readonly boolValue?: boolean }
}

interface SentSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<KeyValue>
  readonly links: ReadonlyArray<{ readonly traceId: string; readonly spanId: string }>
  readonly events: ReadonlyArray<{ readonly name: string; readonly attributes: ReadonlyArray<KeyValue> }>
  /** 0 unset, 1 ok, 2 error. */
  readonly status: { readonly code: number; readonly message?: string }
}

export interface CollectedSpan extends Omit<SentSpan, "attributes"> {
  readonly attributes: Readonly<Record<string, string | number | boolean | undefined>>
  readonly resource: Readonly<Record<string, string | number | boolean | undefined>>
}

const plain = (pairs: ReadonlyArray<KeyValue>) =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, value.stringValue ?? (value.intValue === undefined ? value.doubleValue ?? value.boolValue : Number(value.intValue))]))

export interface Collector {
  readonly url: string
  readonly spans: Array<CollectedSpan>
  readonly metrics: Map<string, unknown>
  readonly headers: Array<IncomingHttpHeaders>
  /** Whatever came, as text. */
  readonly bodies: Array<string>
  requests: number
  readonly close: () => Promise<void>
}

/** `misbehave` answers instead, or does not. */
export const startCollector = async (misbehave?: RequestListener): Promise<Collector> => {
  const spans: Array<CollectedSpan> = []
  const metrics = new Map<string, unknown>()
  const headers: Array<IncomingHttpHeaders> = []
  const bodies: Array<string> = []
  const server = http.createServer((request, response) => {
    collector.requests++
    headers.push(request.headers)
    if (misbehave !== undefined) return misbehave(request, response)
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString()
      bodies.push(text)
      const body = JSON.parse(text) as {
        readonly resourceSpans?: ReadonlyArray<{ readonly resource: { readonly attributes: ReadonlyArray<KeyValue> }; readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<SentSpan> }> }>
        readonly resourceMetrics?: ReadonlyArray<{ readonly scopeMetrics: ReadonlyArray<{ readonly metrics: ReadonlyArray<{ readonly name: string }> }> }>
      }
      for (const { resource, scopeSpans } of body.resourceSpans ?? []) {
        for (const span of scopeSpans.flatMap((scope) => scope.spans)) spans.push({ ...span, attributes: plain(span.attributes), resource: plain(resource.attributes) })
      }
      for (const metric of (body.resourceMetrics ?? []).flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))) metrics.set(metric.name, metric)
      response.writeHead(200, { "content-type": "application/json" }).end("{}")
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    metrics,
    headers,
    bodies,
    requests: 0,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    }
  }
  return collector
}
