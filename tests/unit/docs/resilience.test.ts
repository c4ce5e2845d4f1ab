/** Each promise of docs/resilience.md is shown by tests, measurements or scenarios that exist. */
import { existsSync, globSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"

const rows = readFileSync("docs/resilience.md", "utf8").split("\n").flatMap((line) => {
  const [, promise, shownBy] = /^\| (?!Promise \|)(.+?) \| (.+) \|$/u.exec(line) ?? []
  return promise === undefined || shownBy === undefined ? [] : [{ promise, shownBy }]
})

/** Each title with the file that stands before it. */
const titlesIn = (text: string) => {
  let path = ""
  return [...text.matchAll(/`(tests\/[\w./-]+\.test\.ts)`|“([^”]+)”/gu)].flatMap(([, file, title]) => {
    path = file ?? path
    return title === undefined ? [] : [{ path, title }]
  })
}
const commandsIn = (text: string) => [...text.matchAll(/`((?:node|npm) [^`]+)`/gu)].map(([, command = ""]) => command)

/** A test or a group of them that is meant to run has its title behind a parenthesis. */
const hasTest = ({ path, title }: { readonly path: string; readonly title: string }) =>
  existsSync(path) && readFileSync(path, "utf8").includes(`("${title}"`)
const scenarios = globSync("tests/chaos/*.ts").flatMap((path) => [...readFileSync(path, "utf8").matchAll(/^ {2}name: "(.+)",$/gmu)].map(([, name = ""]) => name.toLowerCase()))
const canRun = (command: string) => {
  const [, bench] = /^node (tests\/bench\/\w+\.ts)/u.exec(command) ?? []
  const [, only] = /^npm run chaos -- --only (\w+)$/u.exec(command) ?? []
  return bench === undefined ? only !== undefined && scenarios.some((name) => name.includes(only)) : existsSync(bench)
}

describe("docs/resilience.md", () => {
  it("shows each promise by something", () => {
    expect(rows.length).toBeGreaterThan(35)
    expect(rows.filter(({ shownBy }) => titlesIn(shownBy).length + commandsIn(shownBy).length === 0)).toEqual([])
  })

  it("names tests that exist", () => {
    expect(rows.flatMap(({ shownBy }) => titlesIn(shownBy)).filter((test) => !hasTest(test))).toEqual([])
  })

  it("names measurements and scenarios that can be run", () => {
    expect(rows.flatMap(({ shownBy }) => commandsIn(shownBy)).filter((command) => !canRun(command))).toEqual([])
  })
})
