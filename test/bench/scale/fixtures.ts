import { createDocket, dataType, step, type, untypedGraph } from '../../../src/index.ts'
import type { ExecutionRecord, NewExecution, StepRecord } from '../../../src/core/contracts/execution-record.ts'
import type { Store } from '../../../src/core/contracts/store.ts'

const perCall = 1_000
const graphName = 'scale'
/** A lease that outlives every measurement. */
const longLeaseMs = 86_400_000

/** One persisted step; `work` is what it waits for. */
export function scaleGraph(work: () => Promise<void> | void = () => {}) {
  const [Key, Made] = ['Key', 'Made'].map((name) => dataType(name, type<string>()))
  const graph = untypedGraph({
    name: graphName,
    steps: [
      step({
        name: 'make',
        inputs: { key: Key! },
        output: Made!,
        persist: 'execution',
        run: async ({ key }) => {
          await work()
          return key
        },
      }),
    ],
  })
  return { graph, target: Made!, inputs: { Key: 'a key of usual length' } }
}

/** What an execution of the graph left behind: others are made as copies of it. */
export interface Template {
  readonly record: ExecutionRecord
  readonly steps: readonly StepRecord[]
}

/** Runs one execution, and keeps what it wrote; the store stays open under the docket that it gives. */
export async function templateOf(store: Store): Promise<Template> {
  const { graph, target, inputs } = scaleGraph()
  // Opened by the docket, and open until that is closed: its reads below come before.
  const docket = createDocket({ graphs: [graph], store, takeOver: false })
  const handle = await docket.start(graph, target, inputs, { id: 'template' })
  await handle.result()
  let record: ExecutionRecord | undefined
  do [record] = await store.get(['template'])
  while (record?.status !== 'completed')
  const { steps } = await store.readSteps(['template'])
  await docket.delete('template')
  await docket.close()
  return { record, steps }
}

/** What is put into a store. */
export interface Filling {
  readonly prefix: string
  readonly count: number
  /** When the first of them was created; each next one a millisecond later. */
  readonly from: number
  /** Who owns them, where they have not ended. @default they have ended, and nobody owns them */
  readonly owner?: string
  /** @default that of `scaleGraph` */
  readonly graph?: string
}

/** Copies of an execution, many to a call. */
export async function fill(store: Store, { record, steps }: Template, filling: Filling): Promise<void> {
  const { prefix, count, from, owner, graph = graphName } = filling
  const writer = owner ?? `filler-${prefix}`
  if (owner === undefined) await store.renewOwner(writer, longLeaseMs)
  for (let first = 0; first < count; first += perCall) {
    const places = Array.from({ length: Math.min(perCall, count - first) }, (_, index) => first + index)
    const created = places.map((place): NewExecution => {
      const at = from + place
      return { ...record, id: idOf(prefix, place), graph, owner: writer, createdAt: at, startedAt: at }
    })
    await store.create(created)
    if (owner !== undefined) continue
    const { status, output } = record
    await store.commit(
      created.map(({ id, createdAt }) => ({
        id,
        owner: writer,
        epoch: 1,
        at: createdAt,
        steps,
        head: { status, output, endedAt: createdAt + 1, isReleased: true },
      })),
    )
  }
  if (owner === undefined) await store.endOwner(writer)
}

export function idOf(prefix: string, place: number): string {
  return `${prefix}-${String(place).padStart(8, '0')}`
}

/** An owner that lives for as long as anything is measured. */
export async function livingOwner(store: Store, name: string): Promise<string> {
  await store.renewOwner(name, longLeaseMs)
  return name
}
