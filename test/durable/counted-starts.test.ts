import { describe, expect, test } from 'vitest'
import type { ExecutionEvent } from '../../src/index.ts'
import { door, line, Third } from './line.ts'
import { World } from './durable-time.ts'

const inputs = { Seed: 1 }
/** Starts as docs/observability.md says to count them: those without a `resumed` before them. */
function startsAmong(events: readonly ExecutionEvent[]): readonly string[] {
  return events
    .filter(({ type, seq }) => type === 'execution.started' && seq === 1)
    .map(({ executionId }) => executionId)
}

function resumedAmong(events: readonly ExecutionEvent[]): readonly string[] {
  return events.filter(({ type }) => type === 'execution.resumed').map(({ executionId }) => executionId)
}

describe('starts, as observers count them', () => {
  test('what a worker takes begins there', async () => {
    const world = new World()
    const { line: graph } = line()
    const api = world.process({ graphs: [graph], work: false })
    const handle = await api.start(graph, Third, inputs, { id: 'a' })
    world.process({ graphs: [graph] })
    await world.clock.settle(handle.result())
    expect([startsAmong(world.events), resumedAmong(world.events)]).toEqual([['a'], []])
  })

  test('a fork is a start of its own, though it has what its original made', async () => {
    const world = new World()
    const { line: graph, runs } = line()
    const docket = world.process({ graphs: [graph] })
    await world.clock.settle((await docket.start(graph, Third, inputs, { id: 'a' })).result())
    await world.clock.settle((await docket.fork('a', { from: 'Third', id: 'b' })).result())
    expect(runs).toEqual(['First', 'Second', 'Third', 'Third'])
    expect([startsAmong(world.events), resumedAmong(world.events)]).toEqual([['a', 'b'], []])
  })

  test('one that has begun goes on, after a death or a retry', async () => {
    const world = new World()
    const { line: doomed } = line({ second: { run: () => door().promise } })
    const first = world.mortal({ graphs: [doomed] })
    await first.docket.start(doomed, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    first.die()
    let isSick = true
    const { line: graph } = line({
      third: {
        run: (value) => {
          if (isSick) throw new Error('no')
          return value
        },
      },
    })
    const survivor = world.process({ graphs: [graph] })
    await world.clock.advance(20_000)
    isSick = false
    await world.clock.settle((await survivor.retry('a')).result())
    expect([startsAmong(world.events), resumedAmong(world.events)]).toEqual([['a'], ['a', 'a']])
  })

  test('one that was cancelled before it began begins first when it is retried', async () => {
    const world = new World()
    const { line: graph } = line()
    const api = world.process({ graphs: [graph], work: false })
    await api.start(graph, Third, inputs, { id: 'a' })
    await world.clock.settle(api.cancel('a'))
    const docket = world.process({ graphs: [graph] })
    await world.clock.settle((await docket.retry('a')).result())
    expect([startsAmong(world.events), resumedAmong(world.events)]).toEqual([['a'], []])
  })
})
