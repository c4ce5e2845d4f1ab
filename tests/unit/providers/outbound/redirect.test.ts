import { describe, expect, it } from "vitest"
import { redirected } from "../../../../src/providers/outbound/redirect.ts"

const from = new URL("https://a.example/x")
const post = {
  method: "POST",
  headers: { Authorization: "secret", "Content-Type": "text/plain", accept: "*/*" },
  body: Buffer.from("x")
}

describe("a redirect", () => {
  it.each([301, 302, 303])("with %i is followed with a GET and no body", (status) => {
    expect(redirected(from, status, "/y", post)?.request).toEqual({
      method: "GET",
      headers: { Authorization: "secret", accept: "*/*" },
      body: undefined
    })
  })

  it.each([307, 308])("with %i repeats the request", (status) => {
    expect(redirected(from, status, "/y", post)).toEqual({ url: new URL("https://a.example/y"), request: post })
  })

  it.each(["http://a.example/y", "https://b.example/", "https://a.example:8443/"])(
    "to %s, another origin, takes no secrets along",
    (location) => {
      expect(redirected(from, 307, location, post)?.request.headers).toEqual({
        "Content-Type": "text/plain",
        accept: "*/*"
      })
    }
  )

  it("that leads nowhere is handed on as it is, to be refused", () => {
    expect(redirected(from, 302, "http://[", post)?.url).toBe("http://[")
  })

  it.each([
    [200, "/y"],
    [304, "/y"],
    [302, undefined]
  ])("is not what an answer with %i and location %s asks for", (status, location) => {
    expect(redirected(from, status, location, post)).toBeUndefined()
  })
})
