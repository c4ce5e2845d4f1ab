/** RFC 6266, with the name in any language by RFC 8187 and an ASCII one for those that do not know it. */
export const contentDisposition = (kind: "inline" | "attachment", filename: string): string => {
  const ascii = filename.normalize("NFKD").replaceAll(/[^\x20-\x7e]/g, "").replaceAll(/["\\%]/g, "_").trim() || "file"
  const encoded = encodeURIComponent(filename.toWellFormed()).replaceAll(/['()*]/g, (character) => `%${character.codePointAt(0)!.toString(16).toUpperCase()}`)
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`
}
