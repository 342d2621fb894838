import { expect, test } from 'vitest'
import { dataType, graph, optional, race, RaceLostError, signal, step, timer, type } from '../../src/index.ts'
import type { ExecutionHandle } from '../../src/index.ts'
import { World } from './durable-time.ts'

const Word = dataType('Word', type<string>())
const Read = dataType('Read', type<string>())
const Kept = dataType('Kept', type<string>())
const Plain = dataType('Plain', type<string>())
const Behind = dataType('Behind', type<string>())
const Once = dataType('Once', type<string>())
const Tried = dataType('Tried', type<string>())
const Held = dataType('Held', type<string>())
const Reply = dataType('Reply', type<string>())
const Quick = dataType('Quick', type<string>())
const First = dataType('First', type<string>())
const Refused = dataType('Refused', type<string>())
const Skipped = dataType('Skipped', type<string>())
const Hopeless = dataType('Hopeless', type<string>())
const None = dataType('None', type<string>())
const Inner = dataType('Inner', type<string>())
const Early = dataType('Early', type<string>())
const Outer = dataType('Outer', type<string>())
const Go = dataType('Go', type<string>())
const Text = dataType('Text', type<string>())

const never = (): Promise<string> => new Promise(() => {})

const declared = graph({
  name: 'over-before',
  steps: [
    step({ name: 'Read', inputs: { word: Word }, output: Read, run: ({ word }) => word }),
    step({ name: 'Kept', inputs: { read: Read }, output: Kept, persist: 'execution', run: ({ read }) => read }),
    step({ name: 'Plain', inputs: { word: Word }, output: Plain, run: never }),
    step({ name: 'Behind', inputs: { plain: Plain }, output: Behind, run: never }),
    step({ name: 'Once', inputs: { word: Word }, output: Once, persist: 'execution', run: never }),
    step({
      name: 'Tried',
      inputs: { word: Word },
      output: Tried,
      persist: 'execution',
      retry: { maxAttempts: 3, backoff: '1h' },
      run: (): string => {
        throw new Error('not now')
      },
    }),
    step({ name: 'Held', inputs: { kept: Kept }, output: Held, compensate: () => {}, run: never }),
    signal(Reply),
    timer({ name: 'Quick', output: Quick, after: '1s', value: () => 'quick' }),
    race({
      name: 'First',
      inputs: { behind: Behind, once: Once, tried: Tried, held: Held, reply: Reply, quick: Quick },
      output: First,
    }),
    step({
      name: 'Refused',
      inputs: { word: Word },
      output: Refused,
      persist: 'execution',
      run: (): string => {
        throw new Error('refused')
      },
    }),
    step({ name: 'Skipped', inputs: { refused: Refused }, output: Skipped, run: () => 'skipped' }),
    step({ name: 'Hopeless', inputs: { refused: Refused }, output: Hopeless, run: () => 'hopeless' }),
    race({ name: 'None', inputs: { refused: Refused, hopeless: Hopeless }, output: None }),
    timer({ name: 'Early', output: Early, after: '100ms', value: () => 'early' }),
    race({ name: 'Inner', inputs: { kept: Kept, quick: Quick }, output: Inner, run: never }),
    race({ name: 'Outer', inputs: { inner: Inner, early: Early }, output: Outer }),
    signal(Go),
    step({
      name: 'Text',
      inputs: { first: First, kept: Kept, skipped: optional(Skipped), none: optional(None), outer: Outer, go: Go },
      output: Text,
      run: ({ first, kept, go }) => `${first} ${kept} ${go}`,
    }),
  ],
})

/** The status of each step, and the error of those that have lost a race. */
async function shown(world: World, handle: ExecutionHandle<unknown> | undefined): Promise<Record<string, unknown>> {
  const { steps } = (await world.clock.settle(handle!.details()))!
  return Object.fromEntries(
    steps.map(({ step: name, status, error, waitsFor }) => [
      name,
      { status, lost: error instanceof RaceLostError ? error.message : undefined, waitsFor },
    ]),
  )
}

test.each(['after the race', 'before the race'])(
  'a process that goes on %s shows of what has lost it, and of what led to values that are there, what the first one showed',
  async (when) => {
    const graphs = [declared]
    const first = new World()
    const calm = first.process({ graphs })
    const expected = await (async () => {
      const handle = await first.clock.settle(calm.start(declared, Text, { Word: 'w' }, { id: 'a' }))
      await first.clock.advance(5_000)
      return shown(first, handle)
    })()
    expect(expected['Behind']).toMatchObject({
      status: 'cancelled',
      lost: expect.stringContaining('"Quick" came first'),
    })

    const world = new World()
    const { docket, die } = world.mortal({ graphs, lease: '2s' })
    await world.clock.settle(docket.start(declared, Text, { Word: 'w' }, { id: 'a' }))
    await world.clock.advance(when === 'after the race' ? 1_500 : 500)
    die()
    const next = world.process({ graphs, lease: '2s' })
    await world.clock.advance(5_000)
    const handle = await world.clock.settle(next.get('a'))
    expect(await shown(world, handle)).toEqual(expected)
    await world.clock.settle(handle!.signal(Go, 'go'))
    expect(await world.clock.settle(handle!.result())).toBe('quick w go')
  },
)
