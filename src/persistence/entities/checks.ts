/** The SQL of a check that a text column holds one of a schema's literals, so that the list is written down once. */
export const oneOf = (column: string, literals: ReadonlyArray<string>): string =>
  `${column} in (${literals.map((literal) => `'${literal}'`).join(", ")})`
