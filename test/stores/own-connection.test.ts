import { expect, test } from 'vitest'
import { OwnConnection } from '../../stores/sql/own-connection.ts'

const late = (): Error => new Error('too late')

test('work that waits for its turn when the connection is closed makes no other one, which would keep the process alive', async () => {
  const open = new Set<object>()
  const own = new OwnConnection({
    async connect() {
      const client = {}
      open.add(client)
      return client
    },
    end: async (client) => void open.delete(client),
    abandon: (client) => void open.delete(client),
  })
  const first = own.use(async () => 'done', 1_000, late)
  const second = own.use(async () => 'done', 1_000, late)
  const closed = own.close()
  const third = own.use(async () => 'done', 1_000, late)
  await closed
  await Promise.allSettled([first, second])
  await expect(third).rejects.toThrow('it is closed')
  await new Promise(setImmediate)
  expect([...open]).toEqual([])
})
