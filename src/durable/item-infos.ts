import type { StepRecord } from '../core/contracts/execution-record.ts'
import { append } from '../core/append.ts'
import { didYouMean } from '../core/closest-name.ts'
import { OptionError } from '../core/errors.ts'
import { turnOf } from '../runtime/environment/turn.ts'
import type { DocketContext } from './context/docket-context.ts'
import { ItemsReader, itemsStep } from './records/batch-items.ts'
import { unrecordedStep } from './records/open-steps.ts'
import { shownBatch } from './records/present-batch.ts'
import { headOfBatch } from './records/batch-head.ts'
import { stepsOfBatch } from './records/restore-batch.ts'
import { stepInfosOf } from './records/step-info.ts'
import type { StepInfo } from './records/step-info.ts'
import { keptBeside } from './records/undo-records.ts'
import { infosOf } from './why/why-facts.ts'
import type { WhyFacts } from './why/why-facts.ts'

// To compare a key with a million others takes a second.
const mostCompared = 10_000

/** What is known of the steps of one item of a batch, whether it is among those that details show or not. @throws OptionError for an item that the batch does not have, StoreError */
export async function itemInfos(
  context: DocketContext,
  { record, details, plan }: WhyFacts,
  item: string,
): Promise<readonly StepInfo[]> {
  const { clock, connection } = context
  const { encoding } = connection
  const turn = turnOf(clock)
  const graph = context.graphOf(record)
  const rows = await connection.patiently(async () => {
    const found: StepRecord[] = []
    const { total } = await headOfBatch(record, encoding)
    const reader = new ItemsReader(record.id, total, encoding, turn, false)
    const { pages } = await shownBatch({ record, pages: context.pagesOf(record.id) }, graph, encoding, clock)
    await pages(async (steps) => {
      for (const step of steps) if (step.step === itemsStep) await reader.take(step)
      append(
        found,
        steps.filter((step) => step.item === item && step.step !== itemsStep && keptBeside(step) === undefined),
      )
    })
    const items = await reader.done(total)
    if (typeof items !== 'number' && !items.keys.includes(item)) {
      const message = `why: batch "${record.id}" has no item "${item}"${hintOf(item, items.keys)}`
      throw new OptionError(message, { executionId: record.id })
    }
    return found
  })
  const infos = await stepInfosOf(record, stepsOfBatch(rows), encoding, turn)
  const known = new Set(infos.map(({ step }) => step))
  const isShared = (step: string): boolean =>
    infosOf({ details }, step, undefined).some((one) => one.item === undefined)
  const rest = (plan?.steps ?? []).flatMap(({ spec: { name } }) => (known.has(name) || isShared(name) ? [] : [name]))
  const status = details.startedAt === undefined ? 'pending' : 'unknown'
  return [...infos, ...rest.map((name) => ({ ...unrecordedStep(name, status, { kind: 'owner' }), item }))]
}

/** Which key may be meant, else how keys of this batch look. */
function hintOf(item: string, keys: readonly string[]): string {
  const near = didYouMean(item, keys.slice(0, mostCompared))
  if (near !== '' || keys.length === 0) return near
  return keys.length === 1
    ? `; its only one is "${keys[0]}"`
    : `; it has ${keys.length}, from "${keys[0]}" to "${keys.at(-1)}"`
}
