const tokens =
  /'(?:[^'\\]|\\[^]|'')*'|"(?:[^"\\]|\\[^]|"")*"|`(?:[^`]|``)*`|--(?:[ \t].*)?$|#.*|\/\*[^]*?\*\/|[^'"`;#/-]+|[^]/gm

/** Splits SQL at semicolons, but not at those in texts, names and comments: the server takes one statement at a time. */
export function splitStatements(sql: string): readonly string[] {
  const statements: string[] = []
  let statement = ''
  const end = (): void => {
    if (statement.trim() !== '') statements.push(statement.trim())
    statement = ''
  }
  for (const [token] of sql.matchAll(tokens)) {
    if (token === ';') end()
    else if (!/^(?:--|#)/.test(token)) statement += token
    else if (token === '--' || /^--[ \t]|^#/.test(token)) statement += ' '
    else statement += token
  }
  end()
  return statements
}
