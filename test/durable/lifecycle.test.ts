import { describe, expect, test } from 'vitest'
import { ExecutionCancelledError, ExecutionConflictError, StepError } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door, First, line, Second, Third } from './line.ts'

const inputs = { Seed: 1 }

describe('the same id', () => {
  test('attaches to the execution while it runs here', async () => {
    const world = new World()
    const gate = door()
    const { line: graph, runs } = line({ second: { run: () => gate.promise } })
    const docket = world.process({ graphs: [graph] })
    const one = await docket.start(graph, Third, inputs, { id: 'a' })
    const other = await docket.start(graph, Third, inputs, { id: 'a' })
    gate.resolve(10)
    expect(await Promise.all([one.result(), other.result()])).toEqual([11, 11])
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })

  test('started twice in one turn is one execution', async () => {
    const world = new World()
    const { line: graph, runs } = line()
    const docket = world.process({ graphs: [graph] })
    const both = [1, 2].map(() => docket.execute(graph, Third, inputs, { id: 'a' }))
    expect(await world.clock.settle(Promise.all(both))).toEqual([4, 4])
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })

  test('attaches to the execution while it runs in another process', async () => {
    const world = new World()
    const gate = door()
    const { line: graph, runs } = line({ second: { run: () => gate.promise } })
    const one = await world.process({ graphs: [graph] }).start(graph, Third, inputs, { id: 'a' })
    const other = await world.process({ graphs: [graph] }).start(graph, Third, inputs, { id: 'a' })
    expect(other.actor).toBeUndefined()
    const results = Promise.all([one.result(), other.result()])
    gate.resolve(10)
    expect(await world.clock.settle(results)).toEqual([11, 11])
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })

  test('goes on after a cancellation: finished steps stay finished', async () => {
    const world = new World()
    const gates = [door(), door()]
    let turn = 0
    const { line: graph, runs } = line({ second: { run: () => gates[turn++]!.promise } })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const outcome = rejectionOf(handle.result())
    await handle.cancel('enough')
    expect(await outcome).toBeInstanceOf(ExecutionCancelledError)
    expect((await handle.details()).status).toBe('cancelled')
    gates[0]!.reject(new Error('stopped'))
    gates[1]!.resolve(10)
    expect(await world.clock.settle(docket.execute(graph, Third, inputs, { id: 'a' }))).toBe(11)
    expect(runs).toEqual(['First', 'Second', 'Second', 'Third'])
  })

  test('is refused to another graph', async () => {
    const world = new World()
    const { line: graph } = line()
    const { line: other } = line({ name: 'other' })
    const docket = world.process({ graphs: [graph, other] })
    await docket.execute(graph, Third, inputs, { id: 'a' })
    const clash = docket.start(other, Third, inputs, { id: 'a' })
    await expect(clash).rejects.toThrow('started before for "Third" of graph "line"')
    await expect(clash).rejects.toThrow(ExecutionConflictError)
  })

  test('is refused to other inputs while it runs here, too', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const docket = world.process({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a' })
    const clash = docket.start(graph, Third, { Seed: 2 }, { id: 'a' })
    await expect(clash).rejects.toThrow(ExecutionConflictError)
    await expect(docket.start(graph, Second, inputs, { id: 'a' })).rejects.toThrow('for "Third" of graph "line"')
  })

  test('brings the signal and observers of the call that goes on with it', async () => {
    const world = new World()
    let fails = true
    const { line: graph } = line({
      second: {
        run: () => {
          if (fails) throw new Error('not yet')
          return door().promise
        },
      },
    })
    const docket = world.process({ graphs: [graph] })
    await expect(docket.execute(graph, Third, inputs, { id: 'a' })).rejects.toThrow(StepError)
    fails = false
    const controller = new AbortController()
    const types: string[] = []
    const again = docket.execute(graph, Third, inputs, {
      id: 'a',
      signal: controller.signal,
      observers: [({ type }) => void types.push(type)],
    })
    const outcome = rejectionOf(again)
    await world.clock.advance(10)
    controller.abort(new Error('enough'))
    await world.clock.advance(10)
    expect(types).toContain('execution.resumed')
    expect(await outcome).toBeInstanceOf(ExecutionCancelledError)
  })
})

describe('get', () => {
  test('finds what another process started, and nothing for an id that nobody used', async () => {
    const world = new World()
    const { line: graph } = line()
    await world.process({ graphs: [graph] }).execute(graph, Third, inputs, { id: 'a' })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.get('a')
    expect(await world.clock.settle(handle!.result())).toBe(4)
    expect(await docket.get('b')).toBeUndefined()
  })
})

async function five() {
  const world = new World()
  const { line: graph } = line({
    second: {
      run: (value) => {
        if (value === 4) throw new Error('four')
        return value
      },
    },
  })
  const docket = world.process({ graphs: [graph] })
  for (const seed of [1, 2, 3, 4, 5]) {
    await docket.execute(graph, Third, { Seed: seed }, { id: `e${seed}` }).catch(() => {})
    await world.clock.advance(1_000)
  }
  const idsOf = async (query: Parameters<typeof docket.list>[0]): Promise<readonly string[]> =>
    (await docket.list(query)).executions.map(({ id }) => id)
  return { world, docket, idsOf }
}

describe('list', () => {
  test('lists the newest first', async () => {
    const { idsOf } = await five()
    expect(await idsOf({})).toEqual(['e5', 'e4', 'e3', 'e2', 'e1'])
  })

  test('lists those of some statuses, of one graph, and of a span of time', async () => {
    const { docket, idsOf } = await five()
    expect(await idsOf({ status: 'failed' })).toEqual(['e3'])
    expect(await idsOf({ status: ['failed', 'completed'], limit: 3 })).toEqual(['e5', 'e4', 'e3'])
    expect(await idsOf({ status: [] })).toEqual([])
    expect(await idsOf({ graph: 'other' })).toEqual([])
    expect(await idsOf({ graph: 'line' })).toHaveLength(5)
    const { executions } = await docket.list()
    const [, , third, fourth] = executions
    expect(await idsOf({ from: third!.createdAt })).toEqual(['e5', 'e4', 'e3'])
    expect(await idsOf({ before: third!.createdAt })).toEqual([fourth!.id, 'e1'])
  })

  test('lists page after page, each execution once, and no `next` on the last', async () => {
    const { docket } = await five()
    for (const limit of [1, 2, 3, 5, 6]) {
      const pages: string[][] = []
      let after: string | undefined
      do {
        const page = await docket.list({ limit, after })
        pages.push(page.executions.map(({ id }) => id))
        after = page.next
      } while (after !== undefined)
      expect(pages.flat()).toEqual(['e5', 'e4', 'e3', 'e2', 'e1'])
      expect(pages).toHaveLength(Math.ceil(5 / limit))
    }
  })
})

describe('retry', () => {
  test('goes on with an execution that failed, from its records', async () => {
    const world = new World()
    let fails = true
    const { line: graph, runs } = line({
      second: {
        run: (value) => {
          if (fails) throw new Error('not yet')
          return value * 10
        },
      },
    })
    const docket = world.process({ graphs: [graph] })
    await expect(docket.execute(graph, Third, inputs, { id: 'a' })).rejects.toThrow('not yet')
    fails = false
    const handle = await docket.retry('a')
    expect(await world.clock.settle(handle.result())).toBe(21)
    expect(runs).toEqual(['First', 'Second', 'Second', 'Third'])
  })

  test('is refused for an execution that is completed, that runs, and that is not there', async () => {
    const world = new World()
    const { line: graph } = line({ third: { run: (value) => (value > 10 ? door().promise : value) } })
    const docket = world.process({ graphs: [graph] })
    await docket.execute(graph, Third, inputs, { id: 'done' })
    await docket.start(graph, Third, { Seed: 100 }, { id: 'runs' })
    await world.clock.advance(10)
    await expect(docket.retry('done')).rejects.toThrow('is completed')
    await expect(docket.retry('runs')).rejects.toThrow('is running')
    await expect(docket.retry('nobody')).rejects.toThrow(ExecutionConflictError)
  })

  test('gives the whole timeout anew', async () => {
    const world = new World()
    let turn = 0
    const { line: graph } = line({
      timeout: '10s',
      second: { run: (value) => world.clock.sleep(++turn === 1 ? 20_000 : 8_000).then(() => value) },
    })
    const docket = world.process({ graphs: [graph] })
    const first = docket.execute(graph, Third, inputs, { id: 'a' })
    expect(String(await world.clock.settle(rejectionOf(first)))).toContain('within 10000 ms')
    await world.clock.advance(20_000)
    const second = await docket.retry('a')
    expect(await world.clock.settle(second.result())).toBe(3)
  })
})

describe('fork', () => {
  test('whose process dies before it has its records is begun by nobody', async () => {
    const world = new World()
    const { line: graph, runs } = line()
    const { docket, die } = world.mortal({ graphs: [graph] })
    await world.clock.settle(docket.execute(graph, Third, { Seed: 1 }, { id: 'a' }))
    const { store } = world
    const commit = store.commit.bind(store)
    store.commit = async () => {
      die()
      return new Promise<never>(() => {})
    }
    void docket.fork('a', { from: 'Third', id: 'b' })
    await world.clock.advance(10)
    store.commit = commit
    const survivor = world.process({ graphs: [graph] })
    await world.clock.advance(10_000)
    const fork = await survivor.get('b')
    await expect(world.clock.settle(fork!.result())).rejects.toThrow('fork again')
    expect(runs).toEqual(['First', 'Second', 'Third'])
  })

  test('begins a new execution with the results of the steps before, and leaves the old one as it is', async () => {
    const world = new World()
    let factor = 10
    const { line: graph, runs } = line({ second: { run: (value) => value * factor } })
    const docket = world.process({ graphs: [graph] })
    await docket.execute(graph, Third, inputs, { id: 'a' })
    factor = 100
    const fork = await docket.fork('a', { from: 'Second', id: 'b' })
    expect(await world.clock.settle(fork.result())).toBe(201)
    expect(runs).toEqual(['First', 'Second', 'Third', 'Second', 'Third'])
    expect(await docket.execute(graph, Third, inputs, { id: 'a' })).toBe(21)
    expect((await fork.details()).inputs).toEqual(inputs)
  })

  test('is refused for a step that is not there, an id that is taken, and an execution that is not there', async () => {
    const world = new World()
    const { line: graph } = line()
    const docket = world.process({ graphs: [graph] })
    await docket.execute(graph, Third, inputs, { id: 'a' })
    await expect(docket.fork('a', { from: 'Secnd' })).rejects.toThrow('Second')
    await expect(docket.fork('a', { from: 'Second', id: 'a' })).rejects.toThrow('is there already')
    await expect(docket.fork('nobody', { from: 'Second' })).rejects.toThrow(ExecutionConflictError)
    expect((await docket.list()).executions).toHaveLength(1)
  })
})

describe('delete and purge', () => {
  test('a deleted execution is gone with all it had, and its id is free', async () => {
    const world = new World()
    const { line: graph, runs } = line()
    const docket = world.process({ graphs: [graph] })
    await docket.execute(graph, Third, inputs, { id: 'a' })
    const handle = await docket.get('a')
    expect(await docket.delete('a')).toBe(true)
    expect(await docket.get('a')).toBeUndefined()
    await expect(handle!.result()).rejects.toThrow('it was deleted')
    expect(await docket.delete('a')).toBe(false)
    expect(await docket.execute(graph, First, { Seed: 5 }, { id: 'a' })).toBe(6)
    expect(runs).toEqual(['First', 'Second', 'Third', 'First'])
  })

  test('a running execution is cancelled first', async () => {
    const world = new World()
    let reason: unknown
    const { line: graph } = line({
      second: {
        run: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              reason = signal.reason
              reject(signal.reason as Error)
            })
          }),
      },
    })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const outcome = rejectionOf(handle.result())
    expect(await world.clock.settle(docket.delete('a'))).toBe(true)
    expect(reason).toBeInstanceOf(ExecutionCancelledError)
    expect(await outcome).toBeInstanceOf(ExecutionCancelledError)
    expect(await docket.get('a')).toBeUndefined()
  })

  test('a function that does not listen to its signal holds nothing up, and what it brings is dropped', async () => {
    const world = new World()
    const gate = door()
    const { line: graph } = line({ second: { run: (value) => (value > 50 ? value : gate.promise) } })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    const outcome = rejectionOf(handle.result())
    expect(await world.clock.settle(docket.delete('a'))).toBe(true)
    await outcome
    const again = await docket.start(graph, Third, { Seed: 100 }, { id: 'a' })
    gate.resolve(10)
    expect(await world.clock.settle(again.result())).toBe(102)
    expect(world.events.filter(({ type }) => type === 'lease.lost')).toEqual([])
    const { steps } = await again.details()
    expect(steps.map(({ output }) => output)).toEqual([101, 101, 102])
  })

  test('purge deletes what ended long enough ago in the given statuses', async () => {
    const world = new World()
    const { line: graph } = line({
      second: {
        run: (value) => {
          if (value === 3) throw new Error('three')
          return value
        },
      },
    })
    const docket = world.process({ graphs: [graph] })
    await docket.execute(graph, Third, { Seed: 1 }, { id: 'old' })
    await docket.execute(graph, Third, { Seed: 2 }, { id: 'failed' }).catch(() => {})
    await world.clock.advance(60_000)
    await docket.execute(graph, Third, { Seed: 3 }, { id: 'new' })
    expect(await docket.purge({ olderThan: '30s', status: 'completed' })).toBe(1)
    expect((await docket.list()).executions.map(({ id }) => id)).toEqual(['new', 'failed'])
    expect(await docket.purge({ olderThan: '30s' })).toBe(1)
    expect((await docket.list()).executions.map(({ id }) => id)).toEqual(['new'])
  })
})

test('`await using` closes the docket', async () => {
  const world = new World()
  const { line: graph } = line()
  let kept
  {
    await using docket = world.process({ graphs: [graph] })
    expect(await docket.execute(graph, Third, inputs, { id: 'a' })).toBe(4)
    kept = docket
  }
  await expect(kept.start(graph, Third, inputs, { id: 'b' })).rejects.toThrow('closed')
})

test('resume returns how many executions went on here', async () => {
  const world = new World()
  const { line: graph } = line({ second: { run: () => door().promise } })
  const { docket, die } = world.mortal({ graphs: [graph] })
  for (const id of ['a', 'b']) await docket.start(graph, Third, inputs, { id })
  await world.clock.advance(10)
  die()
  const { line: healthy } = line()
  const survivor = world.process({ graphs: [healthy], takeOver: false })
  expect(await survivor.resume()).toBe(0)
  await world.clock.advance(5_000)
  expect((await survivor.list({ status: 'running' })).executions).toHaveLength(2)
  expect(await survivor.resume()).toBe(2)
  const handle = await survivor.get('b')
  expect(await world.clock.settle(handle!.result())).toBe(4)
})
