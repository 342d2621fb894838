import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { createDocket, dataType, graph, step, type } from '../../../src/index.ts'
import type { Store } from '../../../src/core/contracts/store.ts'

const Job = dataType('Job', type<number>())
const Done = dataType('Done', type<number>())

/** A graph whose one step takes a turn of the event loop; `seen` is how many of them are under way at the same time. */
function jobsOf(seen: { now: number; most: number }) {
  const run = async ({ job }: { readonly job: number }): Promise<number> => {
    seen.most = Math.max(seen.most, ++seen.now)
    await nextTurn()
    seen.now--
    return job
  }
  return graph({
    name: 'jobs',
    steps: [step({ name: 'Work', inputs: { job: Job }, output: Done, persist: 'execution', run })],
  })
}

const startedAtOnce = 500

/** What came of a backlog that one worker with few slots has worked off. */
export interface WorkedOff {
  /** Executions that have not completed. */
  readonly lost: number
  /** The most of their steps that ran at the same time. */
  readonly most: number
  /** The most that the worker had at the same time, those among them whose ends were on their way to the store. */
  readonly mostOwned: number
  /** How much larger the heap was at its largest, while they were worked off, than before, in bytes. */
  readonly heapGrowth: number
}

/** Starts executions that nobody runs, and lets one worker with few slots run them. Needs `--expose-gc` for the heap to say something. */
export async function workOff(makeStore: () => Store, count: number, slots: number): Promise<WorkedOff> {
  const seen = { now: 0, most: 0 }
  const jobs = jobsOf(seen)
  const api = createDocket({ graphs: [jobs], store: makeStore(), work: false })
  for (let first = 0; first < count; first += startedAtOnce)
    await api.startMany(
      jobs,
      Done,
      Array.from({ length: Math.min(startedAtOnce, count - first) }, (_, index) => ({
        inputs: { Job: first + index },
        id: `job ${first + index}`,
      })),
    )
  let [owned, mostOwned] = [0, 0]
  const before = heapUsed()
  let highest = before
  const worker = createDocket({
    graphs: [jobs],
    store: makeStore(),
    work: { default: slots },
    observers: [
      ({ type: kind }) => {
        if (kind === 'execution.started') mostOwned = Math.max(mostOwned, ++owned)
        else if (kind === 'execution.ended') owned--
      },
    ],
  })
  const queue = api.queue('default')
  for (;;) {
    const { ready, running } = await queue.backlog({ upTo: 1 })
    highest = Math.max(highest, heapUsed())
    if (ready + running === 0) break
    await sleep(250)
  }
  let completed = 0
  for (let after: string | undefined; ;) {
    const page = await api.list({ status: 'completed', limit: 1_000, after })
    completed += page.executions.length
    if (page.next === undefined) break
    after = page.next
  }
  await worker.close()
  await api.close()
  return { lost: count - completed, most: seen.most, mostOwned, heapGrowth: highest - before }
}

function heapUsed(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
