import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createDocket } from '../../src/index.ts'
import { sqliteMigrations, sqliteStore } from '../../stores/sqlite/index.ts'
import { useStore } from './use-store.ts'

function connection(options: ConstructorParameters<typeof DatabaseSync>[1]): DatabaseSync {
  const database = new DatabaseSync(':memory:', options)
  onTestFinished(() => database.close())
  return database
}

test.each([
  { returnArrays: true },
  { readBigInts: true },
  { allowBareNamedParameters: false },
  { enableForeignKeyConstraints: false },
])('a connection with %o works', async (options) => {
  await useStore(sqliteStore({ database: connection(options) }))
})

test.each(['full_column_names = on', 'short_column_names = off'])(
  'a connection on which %s is refused before anything is read of it',
  async (pragma) => {
    const database = connection({})
    database.exec(`pragma ${pragma}`)
    const store = sqliteStore({ database })
    await expect((async () => store.open())()).rejects.toThrow('names columns in another way')
    database.exec('pragma full_column_names = off; pragma short_column_names = on')
    await useStore(store)
  },
)

test('a store that was closed with its last docket says so to the next one', async () => {
  const store = sqliteStore(':memory:')
  const docket = createDocket({ graphs: [], takeOver: false, store })
  await docket.list()
  await docket.close()
  const next = createDocket({ graphs: [], takeOver: false, store })
  onTestFinished(() => next.close())
  await expect(next.list()).rejects.toThrow(
    'sqlite store: it is closed, as a store is with the last docket that uses it; make another one',
  )
})

test('a file of somebody else’s is as it was after it was looked at; one with tables of Docket has a log', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'docket-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'other.db')
  const other = new DatabaseSync(path)
  other.exec('create table theirs (x)')
  const bytes = readFileSync(path)
  const store = sqliteStore({ path, migrate: false })
  await expect((async () => store.open())()).rejects.toThrow('tables are out of date')
  await store.close()
  const migrations = sqliteMigrations(path)
  expect((await migrations.status())[0]!.appliedAt).toBeUndefined()
  expect(readFileSync(path)).toEqual(bytes)
  expect(readdirSync(folder)).toEqual(['other.db'])
  await migrations.up()
  await migrations.close()
  other.close()
  const later = new DatabaseSync(path)
  expect(later.prepare('pragma journal_mode').get()).toEqual({ journal_mode: 'wal' })
  later.close()
})

test('a file with tables of Docket that has no log is as it was after it was looked at', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'docket-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'backup.db')
  const modeOf = (): unknown => {
    const own = new DatabaseSync(path)
    const mode = own.prepare('pragma journal_mode').get()
    own.close()
    return mode
  }
  // As of an application with a connection of its own, or after `vacuum into`.
  const theirs = new DatabaseSync(path)
  await sqliteMigrations({ database: theirs }).up()
  theirs.close()
  const store = sqliteStore({ path, migrate: false })
  const looking = createDocket({ graphs: [], takeOver: false, store })
  expect((await looking.list()).executions).toEqual([])
  expect(await store.diagnose!()).toContainEqual(expect.objectContaining({ check: 'journal_mode', level: 'problem' }))
  await looking.close()
  await sqliteMigrations(path).status()
  expect(modeOf()).toEqual({ journal_mode: 'delete' })
  await using working = createDocket({ graphs: [], takeOver: false, store: sqliteStore(path) })
  await working.list()
  expect(modeOf()).toEqual({ journal_mode: 'wal' })
})

test('a file that may only be read is read by a store that may not migrate, and named by what has to write', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'docket-sqlite-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'backup.db')
  const made = new DatabaseSync(path)
  await sqliteMigrations({ database: made }).up()
  made.close()
  const store = sqliteStore({ path: `file:${path}?mode=ro`, migrate: false })
  await store.open()
  expect(await store.list({ limit: 1 })).toEqual([])
  const refusal = `sqlite store: attempt to write a readonly database: "file:${path}?mode=ro"`
  await expect((async () => store.renewOwner('one', 1_000))()).rejects.toThrow(refusal)
  await store.close()
})
