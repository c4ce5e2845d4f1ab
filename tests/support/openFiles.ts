import { readdir, readlink } from "node:fs/promises"

/** The paths below `directory` that this process has open, each as often as it is (Linux only). */
export const openFilesIn = async (directory: string): Promise<ReadonlyArray<string>> => {
  const descriptors = await readdir("/proc/self/fd")
  const paths = await Promise.all(descriptors.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")))
  return paths.filter((path) => path.startsWith(`${directory}/`))
}
