/** s3rver as a process of its own: its page tokens are made with a cipher that Node.js only has with --openssl-legacy-provider. */
import S3rver from "@20minutes/s3rver"

const s3 = new S3rver({ address: "127.0.0.1", port: 0, silent: true, directory: process.argv[2] ?? "", resetOnClose: false, configureBuckets: [{ name: "playhead" }] })
const { port } = await s3.run()
process.send?.(port)
// It goes with whoever started it.
process.once("disconnect", () => process.exit())
