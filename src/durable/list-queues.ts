import { defaultQueue } from '../core/contracts/queue-record.ts'
import type { DocketContext } from './context/docket-context.ts'
import { mostWorkers } from './list-workers.ts'
import { workerInfoOf } from './records/worker-info.ts'

/** The most that are read of the store. */
const mostQueues = 1_000

/** The queues that anything is known of, by name: what is declared or served here, what others serve, and in the store, what is paused or limited, or has something unfinished. @throws StoreError */
export async function listQueues({ connection, options }: DocketContext): Promise<readonly string[]> {
  await connection.opened()
  const { store, clock } = connection
  const { work, queues } = options
  const [stored, workers] = await Promise.all([
    connection.patiently(() => store.queueNames(mostQueues)),
    connection.patiently(() => store.readWorkers(mostWorkers)),
  ])
  const now = clock.now()
  const names = new Set([
    defaultQueue,
    ...Object.keys(queues ?? {}),
    ...(work === undefined || work === false ? [] : Object.keys(work)),
    ...workers.flatMap((state) => Object.keys(workerInfoOf(state, '', now).queues)),
    ...stored,
  ])
  return [...names].toSorted()
}
