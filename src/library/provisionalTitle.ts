import type { ImportSource } from "./import/ImportOptions.ts"

const maxLength = 200

const lastSegment = (source: ImportSource): string => {
  if (source._tag === "Stored") return source.filename
  if (source._tag === "File") return source.path
  const url = new URL(source.url)
  const path = url.pathname.replace(/\/+$/, "")
  return path === "" ? url.hostname : path
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    // A stray per cent sign is no escape sequence.
    return text
  }
}

/** What a track is called until its tags are read: the name of its file without folders and extension, 1 to 200 characters. */
export const provisionalTitle = (source: ImportSource): string => {
  const name = decoded(lastSegment(source)).split(/[/\\]/).at(-1) ?? ""
  const words = name
    .replace(/\.[A-Za-z0-9]{1,5}$/, "")
    // oxlint-disable-next-line no-control-regex -- they are what is removed
    .replaceAll(/[\u0000-\u001f\u007f]/g, "")
    .replaceAll(/[_\s]+/g, " ")
    .trim()
  return Array.from(words).slice(0, maxLength).join("").toWellFormed() || "Untitled"
}
