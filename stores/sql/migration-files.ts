import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OptionError } from '../../src/core/errors.ts'
import { firstUserVersion } from './migration.ts'
import type { Migration } from './migration.ts'

const fileName = /^(\d+)_([a-z0-9]+(?:[-_][a-z0-9]+)*)\.sql$/
const template = `-- up
-- What changes the tables. It runs in one transaction, where the database can do that.

-- down
-- What takes it back.
`

/**
 * Reads migrations from files like `10000_add-my-index.sql`: SQL after a line `-- up`, and what takes it back after a line `-- down`.
 * @throws OptionError for files that are no such migrations, and two of one version
 */
export async function readMigrationFiles(directories: readonly string[]): Promise<readonly Migration[]> {
  const found: Migration[] = []
  for (const directory of directories)
    for (const file of await readdir(directory)) {
      if (!file.endsWith('.sql')) continue
      found.push(parseMigration(join(directory, file), file, await readFile(join(directory, file), 'utf8')))
    }
  const sorted = found.sort((one, other) => one.version - other.version)
  sorted.forEach(({ version, name }, index) => {
    const before = sorted[index - 1]
    if (before?.version === version)
      throw new OptionError(`migrations ${before.name} and ${name} both have the version ${version}; renumber one`)
  })
  return sorted
}

function parseMigration(path: string, file: string, text: string): Migration {
  const [, digits, name] = fileName.exec(file) ?? []
  const version = Number(digits)
  if (name === undefined || version < firstUserVersion)
    throw new OptionError(
      `${path} is not named like a migration: call it <version>_<name>.sql, the version from ${firstUserVersion} on, the name in small letters, digits and hyphens`,
    )
  const parts = /^--[ \t]*up[ \t]*$([\s\S]*)^--[ \t]*down[ \t]*$([\s\S]*)/m.exec(text)
  if (parts === null) throw new OptionError(`${path} needs a line "-- up", and below it a line "-- down"`)
  return { version, name, up: statementsOf(parts[1]!), down: statementsOf(parts[2]!) }
}

/** The part of a file as one text, which drivers take for many statements; nothing where there are comments only. */
function statementsOf(part: string): readonly string[] {
  const isEmpty = part.replaceAll(/^\s*--.*$/gm, '').trim() === ''
  return isEmpty ? [] : [part.trim()]
}

/** Writes an empty migration with the next number of the directory, and gives its path. */
export async function writeMigrationFile(directory: string, name: string): Promise<string> {
  const fitting = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]+/g, '-')
    .replaceAll(/^[-_]+|[-_]+$/g, '')
  if (fitting === '') throw new OptionError(`a migration can't be called "${name}"; use letters that say what it does`)
  await mkdir(directory, { recursive: true })
  const versions = (await readdir(directory)).map((file) => Number(fileName.exec(file)?.[1] ?? 0))
  const last = versions.reduce((most, version) => Math.max(most, version), firstUserVersion - 1)
  const path = join(directory, `${last + 1}_${fitting}.sql`)
  // `wx`: nobody's file is overwritten when two are created at once.
  await writeFile(path, template, { flag: 'wx' })
  return path
}
