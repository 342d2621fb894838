import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { OptionError } from '../../src/core/errors.ts'
import { redisStore } from '../../stores/redis/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'docket-messages-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a file of SQLite that can’t be opened is named, and its folder if there is none', async () => {
  const folder = newFolder()
  const missing = sqliteStore(join(folder, 'none', 'docket.db')).open()
  await expect(missing).rejects.toThrow(`"${join(folder, 'none', 'docket.db')}"`)
  await expect(missing).rejects.toThrow(`the folder "${join(folder, 'none')}" does not exist`)
})

test('a folder is no file to open', async () => {
  const folder = newFolder()
  await expect(sqliteStore(folder).open()).rejects.toThrow(`"${folder}"; that is a folder: name a file in it`)
})

/** What a Node says that runs a program with the store for SQLite. */
function saidBy(program: string, ...flags: readonly string[]): string {
  const store = JSON.stringify(resolve(import.meta.dirname, '../../stores/sqlite/index.ts'))
  const argv = ['--conditions=docket-source', ...flags, '--input-type=module', '--eval']
  return spawnSync(process.execPath, [...argv, `import { sqliteStore } from ${store}\n${program}`], {
    encoding: 'utf8',
  }).stderr
}

test('a folder in which this user may not write is named', () => {
  const folder = newFolder()
  const closed = join(folder, 'closed')
  mkdirSync(closed, { mode: 0o555 })
  chmodSync(folder, 0o755)
  // Nothing is closed to root.
  const program = `if (process.getuid() === 0) process.setuid(65534)
    await sqliteStore(${JSON.stringify(join(closed, 'docket.db'))}).open()`
  expect(saidBy(program)).toContain(`docket.db"; this user may not write in the folder "${closed}"`)
})

test('a Node without SQLite is named as what it is', () => {
  expect(saidBy('', '--no-experimental-sqlite')).toContain('needs node:sqlite, which this Node does not have')
})

test.each(['sqlite:orders.db', 'postgres://localhost/orders', 'redis://localhost'])(
  '%s is not taken for the name of a file of SQLite',
  (url) => {
    expect(() => sqliteStore(url)).toThrow(
      'sqliteStore: path must be a non-empty string: the path of a file, not a URL',
    )
    expect(() => sqliteStore({ path: url })).toThrow(OptionError)
  },
)

test('a path of Windows and a file: URL of SQLite are paths', () => {
  for (const path of ['C:\\orders.db', 'file:orders.db?mode=memory']) expect(sqliteStore(path).name).toBe('sqlite')
})

test('a file that is no database is named', async () => {
  const path = join(newFolder(), 'letter.txt')
  writeFileSync(path, 'Dear reader, '.repeat(100))
  await expect(sqliteStore(path).open()).rejects.toThrow(`file is not a database: "${path}"`)
})

test('redisStore() takes the default, redisStore(undefined) is refused', () => {
  expect(redisStore().name).toBe('redis')
  expect(() => redisStore(undefined)).toThrow(OptionError)
  expect(() => redisStore(undefined)).toThrow('got undefined: is an environment variable missing?')
})
