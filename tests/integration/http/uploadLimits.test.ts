import { type DetailedError, Upload } from "tus-js-client"
import { describe, expect, it } from "vitest"
import { bearer, keysRequired, makeKey } from "../../support/access.ts"
import { useTestServer } from "../../support/testServer.ts"

const closed = useTestServer("postgres", { access: keysRequired, maxUnfinishedUploads: 2 })
const open = useTestServer("pglite", { maxUnfinishedUploads: 2 })

/** Begins an upload as a browser does and stops before its bytes; fails with what the server answered. */
const begin = (endpoint: string, headers: Record<string, string> = {}): Promise<Upload> =>
  new Promise((resolve, reject) => {
    const upload = new Upload(Buffer.alloc(1000), {
      endpoint,
      headers,
      retryDelays: null,
      onError: reject,
      onUploadUrlAvailable: () => {
        void upload.abort().then(() => resolve(upload))
      }
    })
    upload.start()
  })

const finish = (upload: Upload): Promise<void> =>
  new Promise((resolve, reject) => {
    upload.options.onSuccess = () => resolve()
    upload.options.onError = reject
    upload.options.onUploadUrlAvailable = null
    upload.start()
  })

const refusal = async (begun: Promise<Upload>) => {
  const error = await begun.then(() => undefined, (reason: DetailedError) => reason)
  const answer = error?.originalResponse
  return { status: answer?.getStatus(), retryAfter: answer?.getHeader("retry-after"), text: answer?.getBody() }
}

const tooMany = { status: 429, retryAfter: "60", text: expect.stringContaining("2 uploads that are not finished") }

describe("uploads that are begun and not finished", () => {
  it("are so many for a key, which may begin another once one is finished or removed, while other keys go on", async () => {
    const headers = bearer((await makeKey(closed, ["WRITE"])).token)
    const first = await begin(closed.url("/uploads"), headers)
    const second = await begin(closed.url("/uploads"), headers)
    expect(await refusal(begin(closed.url("/uploads"), headers))).toEqual(tooMany)
    await begin(closed.url("/uploads"), bearer((await makeKey(closed, ["WRITE"])).token))
    await finish(first)
    await begin(closed.url("/uploads"), headers)
    expect(await refusal(begin(closed.url("/uploads"), headers))).toEqual(tooMany)
    await second.abort(true)
    await begin(closed.url("/uploads"), headers)
  })

  it("are so many for an address where nobody is asked who they are", async () => {
    await begin(open.url("/uploads"))
    await begin(open.url("/uploads"))
    expect(await refusal(begin(open.url("/uploads")))).toEqual(tooMany)
  })
})
