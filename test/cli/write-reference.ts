import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commandReference } from './command-reference.ts'

// Brings the list of commands in docs/command-line.md up to date with their declarations.
const path = join(import.meta.dirname, '../../docs/command-line.md')
const marks = /(<!-- commands -->\n)[^]*(\n<!-- end of commands -->)/
writeFileSync(
  path,
  readFileSync(path, 'utf8').replace(
    marks,
    (_, begin: string, end: string) => `${begin}\n${commandReference()}\n${end}`,
  ),
)
