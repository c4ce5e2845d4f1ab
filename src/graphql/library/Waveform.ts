import { builder } from "../builder.ts"
import type { GraphQLContext } from "../GraphQLContext.ts"
import { waveformUrl } from "../links.ts"

interface WaveformView {
  readonly artifactId: string
  readonly samplesPerPixel: ReadonlyArray<number>
}

const resolution = "Samples in each pixel: any of `samplesPerPixel` or a multiple of one; the finest unless told."

export const WaveformRef = builder.objectRef<WaveformView>("Waveform").implement({
  description: "Peaks in the audiowaveform formats (JSON v2 and .dat), and a picture.",
  fields: (t) => ({
    jsonUrl: t.field({
      type: "URL",
      description: "Peaks as JSON, version 2.",
      args: { samplesPerPixel: t.arg.int({ description: resolution }) },
      resolve: ({ artifactId }, { samplesPerPixel }, context) => waveformUrl(context, artifactId, "json", { samplesPerPixel })
    }),
    datUrl: t.field({
      type: "URL",
      description: "Peaks in binary, version 2.",
      args: { samplesPerPixel: t.arg.int({ description: resolution }) },
      resolve: ({ artifactId }, { samplesPerPixel }, context) => waveformUrl(context, artifactId, "dat", { samplesPerPixel })
    }),
    imageUrl: t.field({
      type: "URL",
      description: "A PNG with a transparent background.",
      args: {
        width: t.arg.int({ description: "In pixels, 16 to 4096; 1200 unless told." }),
        height: t.arg.int({ description: "In pixels, 16 to 2048; 200 unless told." })
      },
      resolve: ({ artifactId }, { width, height }, context) => waveformUrl(context, artifactId, "png", { width, height })
    }),
    samplesPerPixel: t.intList({ description: "The resolutions that are stored, finest first.", resolve: (waveform) => [...waveform.samplesPerPixel] })
  })
})

export const waveformOf = async (artifactId: string, { loaders }: GraphQLContext): Promise<WaveformView | null> => {
  const stored = await loaders.waveforms.load(artifactId)
  return stored.length === 0 ? null : { artifactId, samplesPerPixel: stored.map((waveform) => waveform.samplesPerPixel) }
}
