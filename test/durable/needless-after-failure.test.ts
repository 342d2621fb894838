import { expect, test } from 'vitest'
import { dataType, graph, optional, race, signal, step, timer, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Word = dataType('Word', type<string>())
const Slow = dataType('Slow', type<string>())
const Quick = dataType('Quick', type<string>())
const Late = dataType('Late', type<string>())
const First = dataType('First', type<string>())
const Refused = dataType('Refused', type<string>())
const Both = dataType('Both', type<string>())
const Echo = dataType('Echo', type<string>())
const Go = dataType('Go', type<string>())
const Text = dataType('Text', type<string>())

/** A slow step, whose value is taken by one that is skipped, since the other thing that it needs fails; and, if it `races`, by a race that something else wins. */
function skipping(races: boolean, begins: () => void) {
  const slow = step({
    name: 'Slow',
    inputs: { word: Word },
    output: Slow,
    persist: 'execution',
    run: () => {
      begins()
      return new Promise<string>(() => {})
    },
  })
  const refused = step({
    name: 'Refused',
    inputs: { word: Word },
    output: Refused,
    persist: 'execution',
    run: (): string => {
      throw new Error('refused')
    },
  })
  const first = races
    ? race({ name: 'First', inputs: { slow: Slow, quick: Quick, late: Late, both: Both }, output: First })
    : race({ name: 'First', inputs: { quick: Quick, late: Late }, output: First })
  return graph({
    name: 'skipping',
    steps: [
      slow,
      refused,
      timer({ name: 'Quick', output: Quick, after: '1s', value: () => 'quick' }),
      timer({ name: 'Late', output: Late, after: '1h', value: () => 'late' }),
      first,
      step({ name: 'Both', inputs: { slow: Slow, refused: Refused }, output: Both, run: () => 'both' }),
      step({ name: 'Echo', inputs: { both: Both }, output: Echo, run: ({ both }) => both }),
      signal(Go),
      step({
        name: 'Text',
        inputs: { first: First, echo: optional(Echo), go: Go },
        output: Text,
        run: ({ first: won, echo, go }) => `${won} ${echo} ${go}`,
      }),
    ],
  })
}

test.each([
  { races: true, begun: 1, what: 'has lost a race does not begin anew' },
  { races: false, begun: 2, what: 'has lost none begins anew' },
])(
  'what $what after a death, where what would take it too is skipped for another failure',
  async ({ races, begun }) => {
    const world = new World()
    let times = 0
    const graphs = [skipping(races, () => times++)]
    const { docket, die } = world.mortal({ graphs, lease: '2s' })
    await world.clock.settle(docket.start(graphs[0]!, Text, { Word: 'w' }, { id: 'a' }))
    await world.clock.advance(1_500)
    expect(times).toBe(1)
    die()
    const next = world.process({ graphs, lease: '2s' })
    await world.clock.advance(10_000)
    const handle = (await next.get('a'))!
    expect(times).toBe(begun)
    await world.clock.settle(handle.signal(Go, 'go'))
    expect(await world.clock.settle(handle.result())).toBe('quick undefined go')
    expect(times).toBe(begun)
    await next.close()
  },
)

const Part = dataType('Part', type<string>())
const Seat = dataType('Seat', type<string>())
const Hold = dataType('Hold', type<string>())

/** What is not kept leads from a seat, which would be undone, to a step that fails, which the target can do without; what else takes the seat loses a race. */
function refusing(calls: string[]) {
  return graph({
    name: 'refusing',
    steps: [
      step({
        name: 'Seat',
        inputs: { word: Word },
        output: Seat,
        run: () => 'seat',
        compensate: () => void calls.push('undo Seat'),
      }),
      step({
        name: 'Part',
        inputs: { seat: Seat },
        output: Part,
        run: ({ seat }) => {
          calls.push('Part')
          return `part of ${seat}`
        },
      }),
      step({
        name: 'Refused',
        inputs: { part: Part },
        output: Refused,
        persist: 'execution',
        run: (): string => {
          calls.push('Refused')
          throw new Error('refused')
        },
      }),
      step({ name: 'Hold', inputs: { seat: Seat }, output: Hold, run: () => new Promise<string>(() => {}) }),
      timer({ name: 'Quick', output: Quick, after: '1s', value: () => 'quick' }),
      race({ name: 'First', inputs: { hold: Hold, quick: Quick }, output: First }),
      signal(Go),
      step({
        name: 'Text',
        inputs: { first: First, refused: optional(Refused), go: Go },
        output: Text,
        run: ({ first: won, refused, go }) => `${won} ${refused} ${go}`,
      }),
    ],
  })
}

test.each([500, 1_500])(
  'what only a step takes that has failed for good does not run again after a death at %i ms, before and after a race of what it was made of, which is not undone',
  async (diesAt) => {
    const world = new World()
    const calls: string[] = []
    const graphs = [refusing(calls)]
    const { docket, die } = world.mortal({ graphs, lease: '2s' })
    await world.clock.settle(docket.start(graphs[0]!, Text, { Word: 'w' }, { id: 'a' }))
    await world.clock.advance(diesAt)
    die()
    const next = world.process({ graphs, lease: '2s' })
    await world.clock.advance(10_000)
    const handle = (await next.get('a'))!
    await world.clock.settle(handle.signal(Go, 'go'))
    expect(await world.clock.settle(handle.result())).toBe('quick undefined go')
    expect(calls).toEqual(['Part', 'Refused'])
    await next.close()
  },
)
