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
