// Run by worker-schedules.ts: a docket whose schedules are due, in a process of its own.
import { createDocket, dataType, graph, step, type } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { answerParent } from '../durable/answer-parent.ts'
import type { Places } from '../durable/engine.ts'
import { openStore } from '../opponents/durable-docket.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'

const Due = dataType('Due', type<Date>())
const Done = dataType('Done', type<number>())

// Of each execution, by how many milliseconds its step began after its nominal time.
let late: number[] = []
let isDone = (): void => {}
const report = step({
  name: 'Report',
  inputs: { due: Due },
  output: Done,
  run: ({ due }) => {
    const lateMs = Date.now() - due.getTime()
    late.push(lateMs)
    isDone()
    return lateMs
  },
})
const reports = graph({ name: 'reports', steps: [report] })
let docket: Docket | undefined

answerParent({
  open: async ({ kind, places, name }: { kind: StoreKind; places: Places; name: string }): Promise<void> => {
    docket = createDocket({ graphs: [reports], store: openStore(kind, places, name) })
    await docket.list({ limit: 1 })
  },
  fire: async ({ count, withinMs, prefix }: { count: number; withinMs: number; prefix: string }): Promise<number[]> => {
    late = []
    const all = new Promise<void>((resolve) => {
      isDone = () => late.length === count && resolve()
    })
    // Time enough to declare them.
    const first = Date.now() + 5_000 + count * 5
    await Promise.all(
      Array.from({ length: count }, (_, index) =>
        docket!.schedule(`${prefix} ${index}`, {
          graph: reports,
          target: Done,
          inputs: {},
          nominalTime: 'Due',
          at: first + Math.floor((index * withinMs) / count),
        }),
      ),
    )
    if (Date.now() > first) throw new Error('declaring them took too long')
    await all
    return late
  },
  close: () => docket!.close(),
})
