/**
 * The same schema behind Yoga and graphql-ws as their manuals wire them: each subscriber has an iterator of its own, and
 * each event is executed and serialised for each. Events come from memory.
 */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { type ExecutionArgs } from "graphql"
import { createPubSub, createYoga } from "graphql-yoga"
import { useServer } from "graphql-ws/use/ws"
import { WebSocketServer } from "ws"
import { decodeEventBody, type JobEvent } from "../../../src/domain/JobEvent.ts"
import { globalId } from "../../../src/graphql/ids.ts"
import { schema } from "../../../src/graphql/schema.ts"
import { eventData, jobUuid, report, serve } from "./protocol.ts"

const events = createPubSub<{ event: [JobEvent] }>()
const field = schema.getSubscriptionType()?.getFields()["jobEvents"]
if (field === undefined) throw new Error("the schema has no jobEvents")
field.subscribe = () => events.subscribe("event")

const yoga = createYoga({ schema, context: {}, logging: false })
const server = createServer(yoga.requestListener)
const sockets = new WebSocketServer({ server, path: "/graphql" })
type Enveloped = ExecutionArgs & Pick<ReturnType<typeof yoga.getEnveloped>, "execute" | "subscribe">
useServer({
  execute: (args) => (args as Enveloped).execute(args),
  subscribe: (args) => (args as Enveloped).subscribe(args),
  onSubscribe: async (_, __, params) => {
    const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({ params })
    const args = { schema, operationName: params.operationName, document: parse(params.query), variableValues: params.variables, contextValue: await contextFactory(), execute, subscribe }
    const errors = validate(args.schema, args.document)
    return errors.length > 0 ? errors : args
  }
}, sockets)

server.listen(0, "127.0.0.1", () => {
  serve((order) => {
    if (order._tag !== "emit") return
    for (let n = order.first; n < order.first + order.count; n++) {
      events.publish("event", { jobId: jobUuid, sequence: n, at: new Date(), body: decodeEventBody({ _tag: "StageProgressedEvent", ...eventData(n) }) })
    }
  })
  report({ _tag: "listening", port: (server.address() as AddressInfo).port, jobId: globalId("Job", jobUuid) })
})
