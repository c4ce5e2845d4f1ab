#!/usr/bin/env node
// Speaks as yt-dlp does, of pages whose path says how they behave: JSON, progress and complaints in its words and places.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs"

const args = process.argv.slice(2)
const valueOf = (flag) => args[args.indexOf(flag) + 1]
const complain = (words) => {
  process.stderr.write(`WARNING: [youtube] Falling back\nERROR: [youtube] abc123: ${words}\n`)
  process.exit(1)
}
for (const needed of ["--ignore-config", "--no-playlist"]) if (!args.includes(needed)) complain(`called without ${needed}`)
if (valueOf("--use-extractors") !== "all,-generic") complain("called for pages of any sort")

const hang = () => setInterval(() => {}, 1000)

if (args.includes("--dump-single-json")) {
  if (args.at(-2) !== "--") complain("an address could be an option")
  const url = args.at(-1)
  const page = new URL(url).pathname.split("/")[1]
  if (page === "gone") complain("Video unavailable. This video has been removed by the uploader")
  if (page === "private") complain("Private video. Sign in if you've been granted access to this video")
  if (page === "busy") complain("Unable to download webpage: HTTP Error 429: Too Many Requests (caused by <HTTPError 429: Too Many Requests>)")
  if (page === "down") complain("Unable to download webpage: HTTP Error 503: Service Unavailable (caused by <HTTPError 503>); please report this issue on https://github.com/yt-dlp/yt-dlp/issues?q= , filling out the appropriate issue template.")
  if (page === "crash") {
    process.stderr.write('Traceback (most recent call last):\n  File "/usr/lib/yt_dlp/__main__.py", line 17\nKeyError: \'formats\'\n')
    process.exit(1)
  }
  if (page === "gibberish") process.stdout.write("<html>")
  else if (page === "stuck") hang()
  else {
    const description = "x".repeat(200_000)
    process.stdout.write(`${JSON.stringify({
      id: "abc123", title: "Metal Madness (Official Video)", track: page === "song" ? "Metal Madness" : null, artist: page === "song" ? "Tommi Inkila" : undefined, uploader: "somebody", album: null,
      duration: page === "endless" ? 1_000_000 : 4.2, is_live: page === "live", _type: page === "list" ? "playlist" : "video", extractor: "youtube", description, webpage_url: url, formats: []
    })}\n`)
  }
} else {
  const info = JSON.parse(readFileSync(valueOf("--load-info-json"), "utf8"))
  const page = new URL(info.webpage_url).pathname.split("/")[1]
  const template = valueOf("--progress-template").replace(/^download:/, "")
  const say = (progress) => process.stdout.write(`${template.replace("%(progress)j", JSON.stringify(progress))}\n`)
  process.stdout.write("[info] abc123: Downloading 1 format(s): 251\n")
  say({ status: "downloading", downloaded_bytes: 1024, total_bytes: null, total_bytes_estimate: 10_000.5, speed: null, eta: null })
  say({ status: "downloading", downloaded_bytes: 5000, total_bytes: 10_000 })
  // As long as people can see it.
  if (page === "song") await new Promise((resolve) => setTimeout(resolve, 1500))
  if (page === "stuck-later") hang()
  else if (page === "broken") complain("unable to download video data: [Errno 104] Connection reset by peer")
  else if (page === "large") process.stdout.write(`[download] File is larger than max-filesize (${10 ** 12} bytes > ${valueOf("--max-filesize")} bytes). Aborting.\n`)
  else {
    const path = valueOf("--output").replace("%(ext)s", "webm")
    if (page === "page") writeFileSync(path, "<html>no sound</html>")
    else copyFileSync(process.env.STAND_IN_AUDIO, path)
    say({ status: "finished", downloaded_bytes: 10_000, total_bytes: 10_000 })
    const print = valueOf("--print").replace(/^after_move:/, "")
    process.stdout.write(`${print.replace("%(filepath)j", JSON.stringify(path))}\n`)
  }
}
