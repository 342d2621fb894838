import { setTimeout as sleep } from 'node:timers/promises'
import { dataType, fixed, graph, race, step, timer, type } from '../../../src/index.ts'
import type { MigrateHook } from '../../../src/index.ts'

const number = <const Name extends string>(name: Name) => dataType(name, type<number>())
const [Seed, First, Shared, Waited] = [number('Seed'), number('First'), number('Shared'), number('Waited')]
/** What all of the graphs make. */
export const Last = number('Last')

/** How the steps run that a process has. */
export interface Pace {
  /** How long a step takes. */
  readonly ms: number
  /** How long it takes to make the shared result. @default as long */
  readonly sharedMs?: number
  /** Called when a step has begun, or an undoing. */
  readonly onBegun?: (name: string) => void
}

const retry = { maxAttempts: 9, backoff: fixed(1) }
// Nothing of a result is to stay.
const shortLived = { scope: 'global', ttl: '300ms' } as const

/** Graphs whose executions a death leaves something of, by what they do. */
export function deadlyGraphs({ ms, sharedMs = ms, onBegun = () => {} }: Pace, isNew: boolean) {
  /** Takes its time, or ends with its signal. */
  const working = async (name: string, value: number, signal: AbortSignal): Promise<number> => {
    onBegun(name)
    await sleep(name === 'Shared' ? sharedMs : ms, undefined, { signal })
    return value
  }
  const begins = { inputs: { value: Seed }, output: First } as const
  const first = step({ name: 'First', ...begins, persist: 'execution', retry, run: ({ value }) => value })
  const shared = step({
    name: 'Shared',
    inputs: { value: First },
    output: Shared,
    persist: shortLived,
    run: async ({ value }, { signal }) => {
      await working('Shared', value, signal)
      if (value < 0) throw new Error('below zero')
      return value
    },
  })
  const last = step({
    name: 'Last',
    inputs: { value: Shared },
    output: Last,
    persist: 'execution',
    retry,
    run: ({ value }, { signal }) => working('Last', value, signal),
  })
  /** Of which nothing is written but the result. */
  const alone = step({
    name: 'Alone',
    inputs: { value: Seed },
    output: Last,
    persist: shortLived,
    run: ({ value }, { signal }) => working('Alone', value, signal),
  })
  const wait = timer({ name: 'Wait', inputs: { value: Seed }, output: Waited, after: '400ms', value: () => 1 })
  const slowest = step({
    name: 'Slowest',
    ...begins,
    run: ({ value }, { signal }) => working('Slowest', value, signal),
  })
  const booked = step({
    ...begins,
    name: 'Book',
    persist: 'execution',
    run: ({ value }) => value,
    compensate: { run: (_, { inputs, signal }) => working('undoing', inputs.value, signal), retry },
  })
  const refused = step({
    name: 'Pay',
    inputs: { value: First },
    output: Last,
    run: (): number => {
      throw new Error('no credit')
    },
  })
  const kept = { inputs: { value: First }, output: Last, persist: 'execution', retry } as const
  const moved = step({
    ...kept,
    name: isNew ? 'New' : 'Old',
    run: ({ value }, { signal }) => working('Moved', value, signal),
  })
  return {
    work: graph({ name: 'work', steps: [first, shared, last] }),
    alone: graph({ name: 'alone', steps: [alone] }),
    timed: graph({
      name: 'timed',
      steps: [wait, step({ ...kept, name: 'Then', inputs: { value: Waited }, run: ({ value }) => value })],
    }),
    contest: graph({
      name: 'contest',
      steps: [wait, slowest, race({ name: 'Either', inputs: { one: First, other: Waited }, output: Last })],
    }),
    trip: graph({ name: 'trip', steps: [booked, refused] }),
    moved: graph({
      name: 'moved',
      steps: [step({ ...begins, name: 'Sow', persist: 'execution', run: ({ value }) => value }), moved],
    }),
  }
}

export type DeadlyGraphs = ReturnType<typeof deadlyGraphs>

/** Makes the records of `moved` fit its new version. */
export const migrate: Readonly<Record<string, MigrateHook>> = {
  moved({ steps: { Old, ...steps }, ...rest }) {
    return { ...rest, steps: Old === undefined ? steps : { ...steps, New: Old } }
  },
}
