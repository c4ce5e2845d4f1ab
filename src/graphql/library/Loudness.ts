import type { Loudness } from "../../domain/Track.ts"
import { builder } from "../builder.ts"

export const LoudnessRef = builder.objectRef<Loudness>("Loudness").implement({
  description: "Programme loudness by EBU R128.",
  fields: (t) => ({
    integratedLufs: t.exposeFloat("integratedLufs", { description: "Of the whole programme, in LUFS; −70, the gate's floor, for silence." }),
    truePeakDbtp: t.exposeFloat("truePeakDbtp", { description: "The highest peak, also between samples, in dBTP (ITU-R BS.1770-4)." }),
    rangeLu: t.exposeFloat("rangeLu", { description: "Loudness range, in LU (EBU Tech 3342)." })
  })
})

/** Null until it was measured. */
export const loudnessOf = (row: { readonly integratedLufs: number | null; readonly truePeakDbtp: number | null; readonly rangeLu: number | null }): Loudness | null =>
  row.integratedLufs === null || row.truePeakDbtp === null || row.rangeLu === null
    ? null
    : { integratedLufs: row.integratedLufs, truePeakDbtp: row.truePeakDbtp, rangeLu: row.rangeLu }
