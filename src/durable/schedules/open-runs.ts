import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import { patienceMs } from '../../runtime/store-access/store-patience.ts'
import type { DocketContext } from '../context/docket-context.ts'

/** The executions of a schedule that have not ended, of those that it remembers. @throws StoreError */
export async function openRuns(
  { connection, clock }: DocketContext,
  { runs }: Pick<ScheduleRecord, 'runs'>,
): Promise<readonly string[]> {
  const found = await Promise.all(runs.map((id) => connection.gets.add(id, clock.elapsed() + patienceMs)))
  return runs.filter((_, index) => found[index] !== undefined && !isTerminal(found[index].status))
}
