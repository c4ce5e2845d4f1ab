/** A file of a multipart request, as the HTTP server hands it over. */
export interface UploadedFile {
  readonly name: string
  readonly type: string
  readonly stream: () => ReadableStream<Uint8Array>
}
