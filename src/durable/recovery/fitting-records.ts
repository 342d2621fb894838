import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { droppedRecord, droppedType } from '../records/migrate-records.ts'
import type { MigratedRecords } from '../records/migrate-records.ts'
import type { PresentRecords } from '../records/present-names.ts'

/** The records as they fit now: from here on they are the execution's. */
export async function writeFittingRecords(
  context: DocketContext,
  { record, steps, changes }: PresentRecords,
  migrated: MigratedRecords | undefined,
  graphHash: string,
  undoChanges: readonly StepRecord[],
): Promise<void> {
  const renamed = [...(changes?.steps ?? []), ...undoChanges]
  if (migrated === undefined) {
    const inputs = changes?.inputs
    await context.change(record, { graphHash, ...(inputs !== undefined && { inputs }) }, { steps: renamed })
    return
  }
  const names = new Set(migrated.steps.map(({ step }) => step))
  const gone = (changes?.steps ?? []).filter(({ type, step }) => type === droppedType && !names.has(step))
  const dropped = steps.filter(({ step }) => !names.has(step)).map((step) => droppedRecord(step, context.clock.now()))
  const { inputs } = migrated.execution
  const kept = [...gone, ...dropped, ...migrated.steps, ...undoChanges]
  await context.change(record, { graphHash, inputs }, { steps: kept })
}
