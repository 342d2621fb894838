import { expect, test } from 'vitest'
import { StoreError } from '../../src/core/errors.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'

/** An execution `a` that has failed, and a process that loses its lease while it reads the records of it. */
async function slowReading() {
  const world = new World()
  let fails = true
  const { runs, line: graph } = line({
    second: {
      run: (value) => {
        if (fails) throw new Error('as it must')
        return value + 1
      },
    },
  })
  const first = world.process({ graphs: [graph] })
  await expect(world.clock.settle(first.execute(graph, Third, { Seed: 1 }, { id: 'a' }))).rejects.toThrow('as it must')
  await world.clock.settle(first.close())
  fails = false
  const reading = door<void>()
  let isAway = false
  const store = alteredStore(world.store, (method, ask) => {
    if (method === 'renewOwner' && isAway) throw new StoreError('memory', 'it is away', true)
    return method === 'readSteps' ? reading.promise.then(ask) : ask()
  })
  const docket = world.process({ graphs: [graph], store })
  const loseLease = async (): Promise<void> => {
    await world.clock.advance(1_000)
    isAway = true
    await world.clock.advance(20_000)
    isAway = false
    await world.clock.advance(1_000)
    reading.resolve()
  }
  const status = async (): Promise<unknown> => (await world.store.get(['a']))[0]?.status
  return { world, graph, docket, runs, loseLease, status }
}

test('a retry is done when the execution has begun again, though the lease was lost while its records were read', async () => {
  const { world, docket, runs, loseLease, status } = await slowReading()
  const retried = docket.retry('a').then(async (handle) => ({ handle, status: await status() }))
  retried.catch(() => {})
  await loseLease()
  const { handle, status: then } = await world.clock.settle(retried)
  expect(then).not.toBe('failed')
  expect(await world.clock.settle(handle.result())).toBe(4)
  expect(runs).toEqual(['First', 'Second', 'Second', 'Third'])
})

test('a start that goes on with what has failed does so, though the lease was lost while its records were read', async () => {
  const { world, graph, docket, runs, loseLease } = await slowReading()
  const result = docket.execute(graph, Third, { Seed: 1 }, { id: 'a' })
  result.catch(() => {})
  await loseLease()
  expect(await world.clock.settle(result)).toBe(4)
  expect(runs).toEqual(['First', 'Second', 'Second', 'Third'])
})

test.each(['start', 'fork'] as const)(
  'a %s is done when it has begun, though the lease was lost while its records were read',
  async (name) => {
    const world = new World()
    const { line: graph, runs } = line({ second: { run: async (value) => (isOpen ? value + 1 : door().promise) } })
    let isOpen = name === 'fork'
    const first = world.process({ graphs: [graph] })
    await world.clock.settle(first.start(graph, Third, { Seed: 1 }, { id: 'a' }))
    await world.clock.advance(10)
    await world.clock.settle(first.close({ deadline: 0 }))
    isOpen = true
    runs.length = 0
    const { promise: reading, resolve } = door<void>()
    let isAway = false
    const store = alteredStore(world.store, (method, ask, given) => {
      if (method === 'renewOwner' && isAway) throw new StoreError('memory', 'it is away', true)
      return method === 'readSteps' && (given[0] as readonly string[])[0] === wanted ? reading.then(ask) : ask()
    })
    const wanted = name === 'fork' ? 'b' : 'a'
    // Nobody else goes on with it.
    const docket = world.process({ graphs: [graph], store, takeOver: false })
    const began =
      name === 'fork'
        ? docket.fork('a', { from: 'Second', id: 'b' })
        : docket.start(graph, Third, { Seed: 1 }, { id: 'a' })
    await world.clock.advance(1_000)
    isAway = true
    await world.clock.advance(20_000)
    isAway = false
    resolve()
    const handle = await world.clock.settle(began)
    expect(await world.clock.settle(handle.result())).toBe(4)
    expect(runs).toEqual(['Second', 'Third'])
    await world.clock.settle(docket.close())
  },
)
