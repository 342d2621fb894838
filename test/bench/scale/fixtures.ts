import { createDocket, dataType, step, type, untypedGraph } from '../../../src/index.ts'
import type { ExecutionRecord, NewExecution, StepRecord } from '../../../src/core/contracts/execution-record.ts'
import type { Store } from '../../../src/core/contracts/store.ts'

const perCall = 1_000
/** The name of `scaleGraph`. */
export const graphName = 'scale'
/** Of the execution that all others are copies of. */
export const templateId = 'template'
/** A lease that outlives every measurement. */
const longLeaseMs = 86_400_000

/** One persisted step, which waits for `work`, and one that is not: it runs when the other one is committed. */
export function scaleGraph(work: () => Promise<void> | void = () => {}, onEnd: () => void = () => {}) {
  const [Key, Made, Reported] = ['Key', 'Made', 'Reported'].map((name) => dataType(name, type<string>()))
  const graph = untypedGraph({
    name: graphName,
    steps: [
      step({
        name: 'make',
        inputs: { key: Key! },
        output: Made!,
        persist: 'execution',
        run: async ({ key }) => {
          const pause = work()
          if (pause !== undefined) await pause
          return key
        },
      }),
      step({
        name: 'report',
        inputs: { made: Made! },
        output: Reported!,
        run: ({ made }) => {
          onEnd()
          return made
        },
      }),
    ],
  })
  return { graph, target: Reported!, inputs: { Key: 'a key of usual length' } }
}

/** What an execution of the graph left behind: others are made as copies of it. */
export interface Template {
  readonly record: ExecutionRecord
  readonly steps: readonly StepRecord[]
}

/** Runs one execution, and keeps what it wrote; it stays in the store. Closes the store. */
export async function templateOf(store: Store): Promise<Template> {
  const { graph, target, inputs } = scaleGraph()
  await using docket = createDocket({ graphs: [graph], store, takeOver: false })
  await docket.execute(graph, target, inputs, { id: templateId })
  let record: ExecutionRecord | undefined
  // The end may be written a moment after the call has its value.
  do [record] = await store.get([templateId])
  while (record?.status !== 'completed')
  const { steps } = await store.readSteps([templateId])
  return { record, steps }
}

/** What is put into a store. */
export interface Filling {
  readonly prefix: string
  readonly count: number
  /** When the first of them was created; each next one a millisecond later. */
  readonly from: number
  /** Whose they are, where they have not ended; null for nobody's. @default they have ended, and nobody owns them */
  readonly owner?: string | null
  /** @default that of `scaleGraph` */
  readonly graph?: string
  /** What differs besides, by column: SQL over their numbers `n`. Not on Redis. @default nothing */
  readonly values?: Readonly<Record<string, string>>
  /** Where those stand that have not ended, and that nothing of them has begun. @default in the queue of the one that is copied, without a key, and begun */
  readonly place?: (n: number) => { readonly queue: string; readonly key: string; readonly startedAt?: undefined }
  /** Whether those that have ended have step records. @default true */
  readonly hasSteps?: boolean
}

/** Copies of an execution, through the store, many to a call. */
export async function fill(store: Store, { record, steps }: Template, filling: Filling): Promise<void> {
  const { prefix, count, from, owner, place: placeOf, graph = graphName } = filling
  const hasEnded = owner === undefined
  const writer = hasEnded ? `filler-${prefix}` : (owner ?? undefined)
  if (hasEnded) await store.renewOwner(writer!, longLeaseMs)
  for (let first = 0; first < count; first += perCall) {
    const places = Array.from({ length: Math.min(perCall, count - first) }, (_, index) => first + index)
    const created = places.map((place): NewExecution => {
      const at = from + place
      return {
        ...record,
        id: idOf(prefix, place),
        graph,
        owner: writer,
        createdAt: at,
        startedAt: at,
        ...placeOf?.(place),
      }
    })
    await store.create(created)
    if (!hasEnded) continue
    const { status, output } = record
    await store.commit(
      created.map(({ id, createdAt }) => ({
        id,
        owner: writer!,
        epoch: 1,
        at: createdAt,
        steps,
        head: { status, output, endedAt: createdAt + 1, isReleased: true },
      })),
    )
  }
  if (hasEnded) await store.endOwner(writer!)
}

/** The id of one of those that were put in; `bulk-copies.ts` writes it in SQL. */
export function idOf(prefix: string, place: number): string {
  return `${prefix}-${String(place).padStart(8, '0')}`
}

/** An owner that lives for as long as anything is measured. */
export async function livingOwner(store: Store, name: string): Promise<string> {
  await store.renewOwner(name, longLeaseMs)
  return name
}
