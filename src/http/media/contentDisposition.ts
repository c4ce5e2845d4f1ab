import { create } from "content-disposition"

/** RFC 6266, with the name in any language by RFC 8187 and one of ASCII letters for those that do not know it. */
export const contentDisposition = (kind: "inline" | "attachment", filename: string): string => {
  const name = filename.toWellFormed().replaceAll(/\p{Cc}/gu, "")
  // "é" is better read as "e" than as "?".
  const ascii = name
    .normalize("NFKD")
    .replaceAll(/[^\x20-\x7e]|["\\%]/g, "")
    .trim()
  return create(name, { type: kind, fallback: ascii.replace(/^\./, "file.") || "file" })
}
