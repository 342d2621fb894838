import type { DocketContext } from './context/docket-context.ts'
import { workerInfoOf } from './records/worker-info.ts'
import type { WorkerInfo } from './records/worker-info.ts'

/** So many are read. */
export const mostWorkers = 10_000

/** The processes that live, those that came first before others. @throws StoreError, DocketClosedError */
export async function listWorkers({ connection }: DocketContext): Promise<readonly WorkerInfo[]> {
  // Whoever asks is one of them.
  await connection.readyBy()
  const states = await connection.patiently(() => connection.store.readWorkers(mostWorkers))
  const now = connection.clock.now()
  return states
    .map((state) => workerInfoOf(state, connection.session.owner, now))
    .toSorted((one, other) => one.since.getTime() - other.since.getTime() || (one.owner < other.owner ? -1 : 1))
}
