import { dataType, graph, race, signal, step, subgraph, timer, type } from '../../../src/index.ts'
import type { Due } from '../../../src/core/language/timer.ts'
import type { First } from '../../../src/core/language/race.ts'
import type { CompensateContext, StepContext } from '../../../src/index.ts'
import type { AnyGraph } from '../../../src/core/graph/graph-index.ts'
import type { AnyDataType } from '../../../src/core/language/data-type.ts'
import { inputsOf, numberOf } from '../chaos-graphs.ts'
import type { ChaosStep, Mark } from '../chaos-graphs.ts'

/** Steps whose effects are compared with what happened to the processes; all are persisted. */
export const waitingSteps: readonly ChaosStep[] = [
  { name: 'Prepare', from: ['Seed'], scope: 'execution' },
  { name: 'Ship', from: ['Prepare', 'Decide'], scope: 'execution' },
  { name: 'BookFlight', from: ['Seed'], scope: 'execution' },
  { name: 'BookHotel', from: ['BookFlight'], scope: 'execution' },
  { name: 'BookCar', from: ['BookHotel', 'Sleep'], scope: 'execution' },
  { name: 'Pay', from: ['BookCar'], scope: 'execution' },
  { name: 'Weigh', from: ['Seed'], scope: 'execution' },
  { name: 'Pack', from: ['Parcel'], scope: 'execution' },
  { name: 'HandOver', from: ['Pack', 'Open'], scope: 'execution' },
  { name: 'Confirm', from: ['Deliver', 'Copy'], scope: 'execution' },
  { name: 'Near', from: ['Seed'], scope: 'execution' },
  { name: 'Report', from: ['Pick'], scope: 'execution' },
]

/** Steps whose effects are undone, in the order in which they are done. */
export const bookings = ['BookFlight', 'BookHotel', 'BookCar'] as const

/** The ids of the children of an order. */
export const childrenOf = (id: string): readonly string[] => [`${id}/Deliver`, `${id}/DeliverCopy`]

/** What the functions of the graphs do to the world. */
export interface Deeds {
  readonly run: (step: ChaosStep, inputs: Readonly<Record<string, Mark>>, context: StepContext) => Promise<Mark>
  readonly decided: (race: string, first: First, context: StepContext) => Mark
  readonly fired: (timer: string, due: Due) => Mark
  readonly undo: (step: string, output: Mark | undefined, context: CompensateContext) => Promise<void>
}

export interface WaitingGraph {
  readonly graph: AnyGraph
  readonly target: AnyDataType
}

/** Whether a trip can't be paid. */
export const isBroke = (seed: number): boolean => seed % 2 === 0

/** Whether the near one of two is slower than the timer it races with. */
export const isSlow = (seed: number): boolean => seed % 3 !== 0

/** How long a timer waits, by the number of its order. */
const delayOf = (n: number, longestMs: number): number => 50 + (n % longestMs)

export const waitingInputs = inputsOf
export const markOf = numberOf

const t = (name: string) => dataType(name, type<Mark>())

/** The graphs, by name, with what their functions do. */
export function waitingGraphs(deeds: Deeds): ReadonlyMap<string, WaitingGraph> {
  const Seed = t('Seed')
  const kept = (name: string, inputs: Readonly<Record<string, ReturnType<typeof t>>>, more: object = {}) => {
    const one = waitingSteps.find((known) => known.name === name)!
    return step({
      name,
      inputs,
      output: t(name),
      persist: 'execution',
      run: ((given: Readonly<Record<string, Mark>>, context: StepContext) => deeds.run(one, given, context)) as never,
      ...more,
    } as never)
  }
  const undone = (name: string) => ({
    compensate: {
      run: (output: Mark | undefined, context: CompensateContext) => deeds.undo(name, output, context),
      retry: { maxAttempts: 1_000, backoff: '30ms' },
    },
  })
  const after = (name: string, inputs: Readonly<Record<string, ReturnType<typeof t>>>, longestMs: number) =>
    timer({
      name,
      inputs,
      output: t(name),
      after: (given: unknown) => delayOf(Object.values(given as Readonly<Record<string, Mark>>)[0]!.n, longestMs),
      value: ((_: unknown, due: Due) => deeds.fired(name, due)) as never,
    } as never)
  const first = (name: string, inputs: Readonly<Record<string, ReturnType<typeof t>>>) =>
    race({
      name,
      inputs,
      output: t(name),
      run: ((won: First, context: StepContext) => deeds.decided(name, won, context)) as never,
    } as never)

  const approvals = graph({
    name: 'approvals',
    steps: [
      kept('Prepare', { Seed }),
      signal(t('Approval')),
      after('Expire', { Seed }, 6_000),
      first('Decide', { approval: t('Approval'), expiry: t('Expire') }),
      kept('Ship', { Prepare: t('Prepare'), Decide: t('Decide') }),
    ],
  } as never) as unknown as AnyGraph
  const trips = graph({
    name: 'trips',
    steps: [
      kept('BookFlight', { Seed }, undone('BookFlight')),
      kept('BookHotel', { BookFlight: t('BookFlight') }, undone('BookHotel')),
      after('Sleep', { BookHotel: t('BookHotel') }, 1_500),
      kept('BookCar', { BookHotel: t('BookHotel'), Sleep: t('Sleep') }, undone('BookCar')),
      kept('Pay', { BookCar: t('BookCar'), Seed }),
    ],
  } as never) as unknown as AnyGraph
  const delivery = graph({
    name: 'delivery',
    steps: [
      kept('Pack', { Parcel: t('Parcel') }),
      signal(t('Bell'), { inputs: { Pack: t('Pack') } } as never),
      after('Wait', { Parcel: t('Parcel') }, 3_000),
      first('Open', { bell: t('Bell'), waited: t('Wait') }),
      kept('HandOver', { Pack: t('Pack'), Open: t('Open') }),
    ],
  } as never) as unknown as AnyGraph
  const within = (name: string, output: string) =>
    subgraph(delivery, t('HandOver') as never, { name, inputs: { Parcel: t('Weigh') }, output: t(output) } as never)
  const orders = graph({
    name: 'orders',
    steps: [
      kept('Weigh', { Seed }),
      within('Deliver', 'Deliver'),
      within('DeliverCopy', 'Copy'),
      kept('Confirm', { Deliver: t('Deliver'), Copy: t('Copy') }),
    ],
  } as never) as unknown as AnyGraph
  const contests = graph({
    name: 'contests',
    steps: [
      kept('Near', { Seed }, undone('Near')),
      after('Far', { Seed }, 400),
      first('Pick', { near: t('Near'), far: t('Far') }),
      kept('Report', { Pick: t('Pick') }),
    ],
  } as never) as unknown as AnyGraph
  return new Map<string, WaitingGraph>([
    ['approvals', { graph: approvals, target: t('Ship') }],
    ['trips', { graph: trips, target: t('Pay') }],
    ['orders', { graph: orders, target: t('Confirm') }],
    ['contests', { graph: contests, target: t('Report') }],
  ])
}
