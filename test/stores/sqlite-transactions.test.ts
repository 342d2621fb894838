import { DatabaseSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'

const Out = dataType('Out', type<string>())

function open() {
  const database = new DatabaseSync(':memory:')
  const runs: string[] = []
  const slow = graph({
    name: 'slow',
    steps: [
      step({
        name: 'Slow',
        output: Out,
        persist: 'execution',
        run: (_, { signal }) =>
          new Promise<string>((_, reject) => {
            runs.push('slow')
            signal.addEventListener('abort', () => reject(new Error('stopped')))
          }),
      }),
    ],
  })
  const docket = createDocket({ graphs: [slow], store: sqliteStore({ database }) })
  onTestFinished(async () => {
    await docket.close({ deadline: 0 })
    database.close()
  })
  return { database, docket, slow }
}

test('a start in a transaction on the store’s own connection, cancelled before it is committed, is cancelled once it is', async () => {
  const { database, docket, slow } = open()
  await docket.list()
  database.exec('begin')
  const handle = await docket.start(slow, Out, {}, { id: 'one', transaction: database })
  let isCancelled = false
  const cancelling = handle.cancel().then(() => (isCancelled = true))
  for (let turns = 0; turns < 20; turns++) await turn()
  expect(isCancelled, 'nothing is to be cancelled yet').toBe(false)
  database.exec('commit')
  await cancelling
  await expect(handle.result()).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
  expect((await handle.details()).status).toBe('cancelled')
})
