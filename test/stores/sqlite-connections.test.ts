import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import { createDocket } from '../../src/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
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
