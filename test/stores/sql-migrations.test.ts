import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import type { Store } from '../../src/core/contracts/store.ts'
import { postgresMigrations, postgresStore } from '../../stores/postgres/index.ts'
import type { Migrations } from '../../stores/postgres/index.ts'
import { sqliteMigrations, sqliteStore } from '../../stores/sqlite/index.ts'
import { createOwned } from '../../src/testing/conformance/records.ts'
import { postgresPlace } from './postgres-place.ts'

const { url, pool, newSchema } = await postgresPlace()
const folder = mkdtempSync(join(tmpdir(), 'docket-migrations-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** An empty database. */
interface Place {
  store(migrate?: boolean): Store
  migrations(directories?: readonly string[]): Migrations
  /** Names of the tables. */
  tables(): Promise<readonly string[]>
  run(sql: string): Promise<void>
}

let files = 0
function newFolder(): string {
  return join(folder, `directory-${++files}`)
}

function sqlitePlace(): Place {
  const path = join(folder, `${++files}.db`)
  const using = async <T>(work: (database: DatabaseSync) => T): Promise<T> => {
    const database = new DatabaseSync(path)
    try {
      return work(database)
    } finally {
      database.close()
    }
  }
  return {
    store: (migrate = true) => sqliteStore({ path, migrate }),
    migrations: (directories = []) => sqliteMigrations({ path, directories }),
    tables: () =>
      using((database) =>
        database
          .prepare(`select name from sqlite_master where type = 'table' order by name`)
          .all()
          .map((row) => row['name'] as string),
      ),
    run: (sql) => using((database) => database.exec(sql)),
  }
}

function postgresSchema(): Place {
  const schema = newSchema()
  return {
    store: (migrate = true) => postgresStore({ url, schema, migrate, max: 2 }),
    migrations: (directories = []) => postgresMigrations({ url, schema, directories }),
    async tables() {
      const { rows } = await pool.query('select tablename from pg_tables where schemaname = $1 order by 1', [schema])
      return rows.map((row: Record<string, string>) => row['tablename']!)
    },
    async run(sql) {
      await pool.query(`begin; set local search_path to ${pg.escapeIdentifier(schema)}; ${sql}; commit`)
    },
  }
}

const shared = ['tables', 'deadlines']

describe.each([
  ['sqlite', sqlitePlace, [...shared, 'leases by the machine', 'workers', 'numbers of calls']],
  ['postgres', postgresSchema, [...shared, 'sessions', 'workers', 'numbers of calls']],
])('migrations of %s', (_, newPlace, names) => {
  /** Docket's own. */
  const own = names.map((__, index) => index + 1)
  const [last, reversed] = [own.length, own.toReversed()]

  test('`open` makes the tables, and finds them made the next time', async () => {
    const place = newPlace()
    for (const round of [1, 2]) {
      const store = place.store()
      await store.open()
      if (round === 1) await createOwned(store, 'one')
      else expect((await store.get(['one']))[0]).toMatchObject({ id: 'one' })
      await store.close()
    }
  })

  test('status, version, up and down agree', async () => {
    const migrations = newPlace().migrations()
    expect(await migrations.status()).toEqual(
      names.map((name, index) => ({ version: index + 1, name, appliedAt: undefined })),
    )
    expect(await migrations.version()).toBe(0)
    const before = Date.now()
    expect(await migrations.up()).toEqual(own)
    expect(await migrations.up()).toEqual([])
    const [status] = await migrations.status()
    expect(Math.abs(status!.appliedAt!.getTime() - before)).toBeLessThan(10_000)
    expect(await migrations.version()).toBe(last)
    expect(await migrations.missing()).toEqual([])
    expect(await migrations.down()).toEqual([last])
    expect(await migrations.up()).toEqual([last])
    expect(await migrations.downTo(0)).toEqual(reversed)
    expect(await migrations.down()).toEqual([])
    expect(await migrations.version()).toBe(0)
    await migrations.close()
  })

  test('taken back, nothing is left but the list of migrations', async () => {
    const place = newPlace()
    const migrations = place.migrations()
    await migrations.up()
    expect((await place.tables()).length).toBeGreaterThan(5)
    await migrations.downTo(0)
    expect(await place.tables()).toEqual(['docket_migrations'])
    expect(await migrations.up()).toEqual(own)
    await migrations.close()
  })

  test("a user's migrations run after Docket's, in order, and are taken back one by one", async () => {
    const place = newPlace()
    const directory = newFolder()
    const none = place.migrations()
    const first = await none.create(directory, 'My notes')
    expect(first).toBe(join(directory, '10000_my-notes.sql'))
    expect(readFileSync(first, 'utf8')).toMatch(/^-- up\n[\s\S]*\n-- down\n/)
    writeFileSync(
      first,
      '-- up\ncreate table notes (id integer);\ncreate table more (id integer);\n-- down\ndrop table more;\ndrop table notes;\n',
    )
    const second = await none.create(directory, 'index')
    writeFileSync(second, '-- up\n-- an index\ncreate index notes_id on notes (id)\n-- down\ndrop index notes_id\n')
    await none.create(directory, 'empty')
    await none.close()
    const migrations = place.migrations([directory])
    expect(await migrations.upTo(10_000)).toEqual([...own, 10_000])
    expect(await place.tables()).toContain('notes')
    expect(await migrations.up()).toEqual([10_001, 10_002])
    expect((await migrations.status()).map(({ name }) => name)).toEqual([...names, 'my-notes', 'index', 'empty'])
    expect(await migrations.down()).toEqual([10_002])
    expect(await migrations.downTo(last)).toEqual([10_001, 10_000])
    expect(await place.tables()).not.toContain('notes')
    await migrations.up()
    await expect(migrations.upTo(7)).rejects.toThrow(
      `there is no migration 7; known are ${own.join(', ')}, 10000, 10001, 10002`,
    )
    await migrations.close()
    const without = place.migrations()
    expect((await without.missing()).map(({ version }) => version)).toEqual([10_000, 10_001, 10_002])
    await expect(without.down()).rejects.toThrow("migration 10002 (empty) can't be taken back")
    await without.close()
    // They are nobody's business but the user's.
    const store = place.store()
    await store.open()
    await store.close()
  })

  test('what fails half-way changes nothing', async () => {
    const place = newPlace()
    const directory = newFolder()
    const migrations = place.migrations([directory])
    const path = await migrations.create(directory, 'broken')
    writeFileSync(path, '-- up\ncreate table notes (id integer);\nthis is no SQL\n-- down\n')
    await expect(migrations.up()).rejects.toMatchObject({ name: 'StoreError', isTransient: false })
    expect(await migrations.version()).toBe(0)
    expect(await place.tables()).toEqual([])
    await migrations.close()
  })

  test('many clients that come up at once migrate once', async () => {
    const place = newPlace()
    const clients = Array.from({ length: 4 }, () => place.migrations())
    const ran = await Promise.all(clients.map((client) => client.up()))
    expect(ran.flat()).toEqual(own)
    for (const client of clients) await client.close()
  })

  test('with `migrate: false`, tables that are out of date are refused, with what to do', async () => {
    const place = newPlace()
    const store = place.store(false)
    await expect(store.open()).rejects.toThrow(
      /pending is migration 1 \(tables\), 2 \(deadlines\), 3 \((?:leases by the machine|sessions)\), 4 \(workers\), 5 \(numbers of calls\); run up\(\) of (sqlite|postgres)Migrations/,
    )
    await store.close()
    const migrations = place.migrations()
    await migrations.up()
    await migrations.close()
    const next = place.store(false)
    await next.open()
    await next.close()
  })

  test('a database that is newer than the code is refused', async () => {
    const place = newPlace()
    const migrations = place.migrations()
    await migrations.up()
    await place.run(
      `insert into docket_migrations (version, name, applied_at) values (9, 'future', '2030-01-01 00:00:00')`,
    )
    expect(await migrations.missing()).toMatchObject([{ version: 9, name: 'future' }])
    await migrations.close()
    for (const migrate of [true, false]) {
      const store = place.store(migrate)
      await expect(store.open()).rejects.toThrow('does not know migration 9 (future); upgrade Docket')
      await store.close()
    }
  })
})

test.each([
  ['9999_early.sql', '-- up\n-- down\n', 'from 10000 on'],
  ['10000_Bad Name.sql', '-- up\n-- down\n', 'is not named like a migration'],
  ['10000_no-parts.sql', 'select 1', 'needs a line "-- up"'],
])('a file %s is refused', async (file, text, message) => {
  const directory = newFolder()
  const migrations = sqliteMigrations({ path: ':memory:', directories: [directory] })
  const path = await migrations.create(directory, 'one')
  rmSync(path)
  writeFileSync(join(directory, file), text)
  await expect(migrations.up()).rejects.toThrow(message)
  await migrations.close()
})
