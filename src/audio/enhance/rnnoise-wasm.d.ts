/** The package has no types. What is declared is what is used. */
declare module "@jitsi/rnnoise-wasm/dist/rnnoise-sync.js" {
  interface RnnoiseModule {
    readonly HEAPF32: Float32Array
    readonly _malloc: (bytes: number) => number
    readonly _rnnoise_create: (model: 0) => number
    readonly _rnnoise_process_frame: (state: number, output: number, input: number) => number
  }
  const createModule: () => RnnoiseModule
  export default createModule
}
