import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
