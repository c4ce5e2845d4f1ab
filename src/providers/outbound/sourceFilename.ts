/** The name of a file as its source gives it: for showing and for hints, never for a path on this machine. */
import { parse } from "content-disposition"

const maxLength = 200
/** Control characters, and marks that turn the direction of text around and so disguise an extension. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** The last part of a path in either system's notation, made fit to be shown. Undefined when nothing is left. */
export const cleanFilename = (name: string): string | undefined => {
  const last = name.split(/[/\\]/).at(-1) ?? ""
  const shown = last
    .normalize("NFC")
    .toWellFormed()
    .replace(unprintable, "")
    .replace(/^[.\s]+|\s+$/gu, "")
  const characters = Array.from(shown)
  if (characters.length <= maxLength) return shown === "" ? undefined : shown
  const extension = /\.[^.\s]{1,10}$/u.exec(shown)?.[0] ?? ""
  return characters.slice(0, maxLength - extension.length).join("") + extension
}

const decodeComponent = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** From the Content-Disposition header (RFC 6266, any language), else from the last part of the URL's path. */
export const sourceFilename = (url: URL, contentDisposition: string | undefined): string | undefined => {
  const named = contentDisposition === undefined ? undefined : parse(contentDisposition).parameters["filename"]
  return (
    (named === undefined ? undefined : cleanFilename(named)) ??
    cleanFilename(decodeComponent(url.pathname.split("/").at(-1) ?? ""))
  )
}
