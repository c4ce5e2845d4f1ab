/** `npm run readme`: writes the table of settings into README.md and the list into .env.example. */
import { readFileSync, writeFileSync } from "node:fs"
import { configTable, describeConfig } from "../src/config/table.ts"

const readme = readFileSync("README.md", "utf8")
writeFileSync(
  "README.md",
  readme.replace(/(<!-- settings -->\n)[\s\S]*(\n<!-- \/settings -->)/u, (_, before: string, after: string) => `${before}${configTable()}${after}`)
)

const example = describeConfig().map((each) => `# ${each.meaning.replaceAll("`", "")}.\n#${each.name}=${/\s|HOST/u.test(each.default) ? "" : each.default}`)
writeFileSync(".env.example", `# Copy to .env and take the # from what you set. The environment wins over this file. README.md says what is allowed.\n\n${example.join("\n\n")}\n`)
