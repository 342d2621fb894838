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
    isGoodAfter: () => true,
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

test('work is done one after the other, also what waited while the connection did not answer', async () => {
  const busy = new Map<object, number>()
  let most = 0
  const done: string[] = []
  const own = new OwnConnection<object>({
    connect: async () => ({}),
    end: async () => {},
    abandon: () => {},
    isGoodAfter: () => true,
  })
  const work =
    (name: string) =>
    async (client: object): Promise<void> => {
      busy.set(client, (busy.get(client) ?? 0) + 1)
      most = Math.max(most, busy.get(client)!)
      await new Promise(setImmediate)
      busy.set(client, busy.get(client)! - 1)
      done.push(name)
    }
  const stuck = own.use(() => new Promise<never>(() => {}), 20, late)
  const waiting = ['a', 'b'].map((name) => own.use(work(name), 10_000, late))
  await expect(stuck).rejects.toThrow('too late')
  await Promise.all([...waiting, ...['c', 'd'].map((name) => own.use(work(name), 10_000, late))])
  expect([done, most]).toEqual([['a', 'b', 'c', 'd'], 1])
  await own.close()
})

/** Work that hangs on the first so many connections, and gives the number of any later one. */
const hangOn =
  (last: number) =>
  async ({ number }: { readonly number: number }): Promise<number> =>
    number <= last ? new Promise<never>(() => {}) : number

test('a connection that does not answer what had waited for another one is given up as well', async () => {
  let clients = 0
  const own = new OwnConnection<{ readonly number: number }>({
    connect: async () => ({ number: ++clients }),
    end: async () => {},
    abandon: () => {},
    isGoodAfter: () => true,
  })
  expect(await own.use(hangOn(0), 1_000, late)).toBe(1)
  const used = [own.use(hangOn(1), 20, late), own.use(hangOn(2), 60, late), own.use(hangOn(0), 10_000, late)]
  expect(await Promise.allSettled(used)).toMatchObject([
    { reason: { message: 'too late' } },
    { reason: { message: 'too late' } },
    { value: 3 },
  ])
  await own.close()
})

/** Work that fails with a message, or gives the number of its connection. */
const failWith =
  (message?: string) =>
  async ({ number }: { readonly number: number }): Promise<number> => {
    if (message === undefined) return number
    throw new Error(message)
  }

test('a connection of which the driver does not say that it is lost is given up with the first work that fails on it', async () => {
  let clients = 0
  const ended: number[] = []
  const own = new OwnConnection<{ readonly number: number }>({
    connect: async () => ({ number: ++clients }),
    end: async ({ number }) => void ended.push(number),
    abandon: () => {},
    isGoodAfter: (thrown) => (thrown as Error).message === 'refused',
  })
  const lost: number[] = []
  await own.attach({ begin: async () => {}, lost: () => void lost.push(clients) }, 1_000, late)
  await expect(own.use(failWith('refused'), 1_000, late)).rejects.toThrow('refused')
  expect(await own.use(failWith(), 1_000, late)).toBe(1)
  await expect(own.use(failWith('closed'), 1_000, late)).rejects.toThrow('closed')
  expect(await own.use(failWith(), 1_000, late)).toBe(2)
  expect([ended, lost]).toEqual([[1], [1]])
  await own.close()
})
