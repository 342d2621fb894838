import { dataType, graph, schedule, step, type } from '../../../src/index.ts'
import type { StepContext } from '../../../src/index.ts'
import type { AnyDataType } from '../../../src/core/language/data-type.ts'
import type { AnyGraph } from '../../../src/core/graph/graph-index.ts'
import type { AnySchedule } from '../../../src/core/graph/any-schedule.ts'
import type { ChaosStep, Mark } from '../chaos-graphs.ts'

/** Of the program: the second one has a step more, has given another one a new name, has changed the shape of a type, and has a graph that the first does not know. */
export type ProgramVersion = 1 | 2

/** How many of a customer's calls may be open at the same time, over all processes. */
export const callsPerCustomer = 2
/** How many executions may run at the same time, over all processes: of a queue, and of a key of another. */
export const inDefault = 5
export const perKeyOfPress = 1
const customers = ['ada', 'bob', 'eve'] as const

/** What is known of the steps, under their first names: all are persisted. */
export const versionedSteps: readonly ChaosStep[] = [
  'Fetch',
  'Call',
  'Render',
  'Inspect',
  'Pack',
  'Stamp',
  'Send',
  'Carry',
  'Drop',
  'Greet',
  'Tick',
].map((name) => ({ name, from: [], scope: 'execution' }))

/** What a step does to the world: its first name, and the marks that went in by the steps that made them. */
export type RunVersioned = (name: string, inputs: Readonly<Record<string, Mark>>, context: StepContext) => Promise<Mark>

export interface VersionedGraph {
  readonly graph: AnyGraph
  readonly target: AnyDataType
}

const t = (name: string, more: object = {}) => dataType(name, type<Mark>(), more)

/** The graphs that a version of the program knows, by name, and the schedule that all have. */
export function versionedGraphs(
  version: ProgramVersion,
  run: RunVersioned,
): { readonly graphs: ReadonlyMap<string, VersionedGraph>; readonly ticks: AnySchedule } {
  const Seed = t('Seed')
  const kept = (name: string, inputs: Readonly<Record<string, ReturnType<typeof t>>>, more: object = {}) => {
    const {
      output = t(name),
      first = name,
      ...policies
    } = more as { readonly output?: ReturnType<typeof t>; readonly first?: string }
    return step({
      name,
      inputs,
      output,
      persist: 'execution',
      run: ((given: Readonly<Record<string, Mark>>, context: StepContext) => run(first, given, context)) as never,
      ...policies,
    } as never)
  }
  const call = {
    concurrency: {
      limit: callsPerCustomer,
      scope: 'graph',
      key: ({ Seed: { n } }: { readonly Seed: Mark }) => customerOf(n),
    },
  }
  const first = [
    kept('Fetch', { Seed }),
    kept('Call', { Fetch: t('Fetch'), Seed }, call),
    kept('Render', { Call: t('Call') }, { queue: 'press' }),
  ]
  const parcels = graph({
    name: 'parcels',
    steps:
      version === 1
        ? [...first, kept('Pack', { Call: t('Call'), Render: t('Render') })]
        : [
            ...first,
            kept('Inspect', { Render: t('Render') }),
            kept(
              'Wrap',
              { Call: t('Call'), Render: t('Render'), Inspect: t('Inspect') },
              { output: t('Pack'), first: 'Pack', formerly: 'Pack' },
            ),
          ],
  } as never) as unknown as AnyGraph
  const Stamp = version === 1 ? t('Stamp') : t('Stamp', { version: '2' })
  const letters = graph({
    name: 'letters',
    steps: [
      kept('Stamp', { Seed }, { output: Stamp }),
      kept('Send', { Stamp }),
      kept('Carry', { Stamp, Send: t('Send') }),
      kept('Drop', { Stamp, Carry: t('Carry') }),
    ],
  } as never) as unknown as AnyGraph
  const greetings = graph({ name: 'greetings', steps: [kept('Greet', { Seed })] } as never) as unknown as AnyGraph
  const At = dataType('At', type<Date>())
  const tick = step({
    name: 'Tick',
    inputs: { at: At },
    output: t('Tick'),
    persist: 'execution',
    run: ({ at }: { readonly at: Date }, context: StepContext) =>
      run('Tick', { At: { n: at.getTime(), tag: at.toISOString(), from: {} } }, context),
  } as never)
  const clock = graph({ name: 'clock', steps: [tick] } as never) as unknown as AnyGraph
  const ticks = schedule('tick', {
    graph: clock,
    target: t('Tick'),
    inputs: {},
    nominalTime: 'At',
    every: '1s',
    overlap: 'allowAll',
    catchUp: { max: 1_000 },
  } as never) as unknown as AnySchedule
  const known: [string, VersionedGraph][] = [
    ['parcels', { graph: parcels, target: t('Pack') }],
    ['letters', { graph: letters, target: t('Drop') }],
    ['clock', { graph: clock, target: t('Tick') }],
  ]
  if (version === 2) known.push(['greetings', { graph: greetings, target: t('Greet') }])
  return { graphs: new Map(known), ticks }
}

/** Whose an order is. */
export function customerOf(n: number): string {
  return customers[n % customers.length]!
}
