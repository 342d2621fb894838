import type { Plan } from '../../core/graph/plan.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { StepView } from '../../runtime/execution/execution-view.ts'
import { Execution } from '../../runtime/execution/execution.ts'
import type { ResolvedOptions } from '../../runtime/execution/execution-setup.ts'
import type { BatchPart } from '../../runtime/execution/part.ts'
import type { KeyNames } from '../../runtime/steps/key-names.ts'
import { restoreEffects } from '../../runtime/execution/restored-effects.ts'
import { StepRun } from '../../runtime/execution/step-run.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { BatchUndos } from '../records/batch-undos.ts'
import { attemptsOf, viewOf } from '../records/restore-execution.ts'
import { keptBeside } from '../records/undo-records.ts'
import type { OwnershipRight } from './ownership-right.ts'
import type { ExecutionRecorder } from './execution-recorder.ts'

/** What the items of a batch have in common that is undone from its records. */
export interface UndoneBatch {
  readonly connection: StoreConnection
  readonly recorder: ExecutionRecorder
  readonly right: Pick<OwnershipRight, 'id' | 'epoch'>
  readonly whole: Plan
  readonly options: ResolvedOptions
  readonly keyNames?: KeyNames | undefined
}

/** An item as its records say what it did, to be undone: nothing of it begins again. @throws SerializationError */
export async function undoneItemOf(
  { connection: { encoding }, recorder, whole, options, keyNames, right: record }: UndoneBatch,
  item: { readonly index: number; readonly key: string },
  records: readonly StepRecord[],
): Promise<Execution> {
  const undos = new BatchUndos(record.id, encoding)
  const views = new Map<string, StepView>()
  for (const step of records) {
    if (keptBeside(step) !== undefined) {
      await undos.take(step)
      continue
    }
    const spec = whole.steps.find(({ spec: { name } }) => name === step.step)?.spec
    const view = spec && (await viewOf(record, step, encoding, 'death', attemptsOf(spec)))
    if (view !== undefined) views.set(step.step, view)
  }
  const execution = new Execution({
    plan: whole,
    options,
    cache: undefined,
    recorder,
    keyNames,
    itemKey: item.key,
    keepsRuns: true,
    undoings: { of: (step) => undos.countOf(step, item.key), add: () => {} },
    onCompleted: () => {},
    onFailed: () => {},
    part: { ...nobody, item: item.index, whole },
  })
  const restored = undos.of(item.key, views)
  if (restored === undefined) return execution
  for (const step of whole.steps) {
    const view = restored.steps.get(step.spec.name)
    if (view === undefined) continue
    const run = (execution.runs[step.position] = new StepRun(execution, step))
    run.restore(view)
  }
  const head = { undos: restored.undos }
  restoreEffects(execution.effects!, whole, execution.runs, restored.steps, {
    head: head as Parameters<typeof restoreEffects>[4]['head'],
    givenInputs: restored.givenInputs,
  })
  return execution
}

/** What a part is tied to of which nothing begins any more. */
const nobody: Omit<BatchPart, 'item' | 'whole'> = {
  admission: undefined,
  caller: undefined,
  waits: undefined,
  hasEnded: () => true,
  failedItems: () => 0,
  undoLater: () => true,
  onFailing: () => {},
  onFilled: () => {},
  onDenied: () => {},
}
