/** Reads vitest's JSON report and prints `passed failed`. A file that could not even be loaded counts as one failure. */
import { readFileSync } from "node:fs"

const report = JSON.parse(readFileSync(process.argv[2], "utf8"))
const unloaded = report.testResults.filter(
  ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed")
)
process.stdout.write(`${report.numPassedTests} ${report.numFailedTests + unloaded.length}\n`)
