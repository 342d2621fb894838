import { describe, expect, test } from 'vitest'
import { accounts, Balance, Close, Deposit } from './accounts.ts'
import { World } from './durable-time.ts'
import { WatchedStore } from './watched-store.ts'

/** Another process than the one which has the account, that does not know its graph; its first look at a record takes a second. */
async function slowSender(world: World) {
  const owner = world.process({ graphs: [accounts] })
  await world.clock.settle(owner.start(accounts, Balance, { Owner: 'Ada' }, { id: 'a' }))
  const watched = new WatchedStore(world.store)
  const sender = world.process({ graphs: [], store: watched.store, takeOver: false })
  const handle = (await world.clock.settle(sender.get('a')))!
  let looks = 0
  watched.before = ({ name }) => (name === 'get' && looks++ === 0 ? world.clock.sleep(1_000) : undefined)
  return { handle, result: async () => (await owner.get('a'))!.result() }
}

describe('messages of a process to an execution', () => {
  test('arrive in the order of the calls, however long each of them takes to prepare', async () => {
    const world = new World()
    const { handle, result } = await slowSender(world)
    const first = handle.update(Deposit, { amount: 5 })
    await world.clock.advance(100)
    const second = handle.update(Deposit, { amount: 7 })
    await world.clock.advance(100)
    const close = handle.signal(Close, true)
    const answers = await world.clock.settle(Promise.all([first, second, close]))
    expect(answers).toEqual([{ balance: 5 }, { balance: 12 }, 'accepted'])
    expect(await world.clock.settle(result())).toBe(12)
  })

  test('wait for none that is refused before it is sent', async () => {
    const world = new World()
    const { handle, result } = await slowSender(world)
    const first = handle.update(Deposit, { amount: 5 })
    await world.clock.advance(100)
    const refused = handle.update(Deposit, { amount: 'much' } as never)
    const second = handle.update(Deposit, { amount: 7 })
    await expect(world.clock.settle(refused)).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    expect(await world.clock.settle(Promise.all([first, second]))).toEqual([{ balance: 5 }, { balance: 12 }])
    await world.clock.settle(handle.signal(Close, true))
    expect(await world.clock.settle(result())).toBe(12)
  })

  test('an update waits for its turn no longer than its timeout, and is sent again under its id', async () => {
    const world = new World()
    const { handle } = await slowSender(world)
    const first = handle.update(Deposit, { amount: 5 })
    await world.clock.advance(100)
    const until = world.clock.now() + 200
    const second = handle.update(Deposit, { amount: 7 }, { id: 'second', timeout: 200 })
    await expect(world.clock.settle(second)).rejects.toMatchObject({ code: 'UPDATE_TIMEOUT' })
    expect(world.clock.now()).toBe(until)
    expect(await world.clock.settle(first)).toEqual({ balance: 5 })
    expect(await world.clock.settle(handle.update(Deposit, { amount: 7 }, { id: 'second' }))).toEqual({ balance: 12 })
  })
})
