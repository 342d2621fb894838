import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import { SerializationError } from '../../core/errors.ts'
import type { ValueSource } from '../../runtime/steps/step-work.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { decodePresent, readInputs } from '../records/stored-inputs.ts'
import type { StoredInputs } from '../records/stored-inputs.ts'

/**
 * The record of a child with all its inputs: large ones stay with its parent, and are named. `stored`: its inputs as they were read.
 * @throws StoreError, SerializationError
 */
export async function withReferencedInputs(
  context: DocketContext,
  record: ExecutionRecord,
  stored: StoredInputs,
): Promise<ExecutionRecord> {
  const {
    $refs: refs = {},
    $given,
    $checked,
    $overrides,
    $versions,
    $names,
    $signals,
    $limits,
    $waits,
    $sensitive,
    $onWorkerLoss,
  } = stored
  if (Object.keys(refs).length === 0) return record
  const parent = await context.connection.patiently(() => context.recordNow(record.parent!))
  const { encoding } = context.connection
  if (parent === undefined)
    throw new SerializationError(
      `inputs of execution "${record.id}" are kept with its parent "${record.parent}", which is not there any more`,
    )
  const values = { ...$given, ...(await valuesOf(context, parent, refs)) }
  const whole = {
    ...values,
    ...($checked !== $given && { $checked: { ...$checked, ...values } }),
    ...($versions !== undefined && { $versions }),
    ...($overrides.length > 0 && { $overrides }),
    ...($names !== undefined && { $names }),
    ...($signals !== undefined && { $signals }),
    ...($waits !== undefined && { $waits }),
    ...($sensitive !== undefined && { $sensitive }),
    ...($limits !== undefined && { $limits }),
    ...($onWorkerLoss !== undefined && { $onWorkerLoss }),
  }
  return { ...record, inputs: await encoding.encode(whole, ['execution', record.id, 'inputs']) }
}

async function valuesOf(
  context: DocketContext,
  parent: ExecutionRecord,
  refs: Readonly<Record<string, ValueSource>>,
): Promise<Readonly<Record<string, unknown>>> {
  const { encoding } = context.connection
  const sources = Object.values(refs)
  const inputs = sources.some((source) => 'input' in source) ? await inputsOf(context, parent) : {}
  const steps = sources.some((source) => 'step' in source)
    ? ((await context.readSteps([parent.id])).get(parent.id) ?? [])
    : []
  const byStep = new Map(steps.filter(({ item }) => item === '').map((step) => [step.step, step]))
  const values: Record<string, unknown> = {}
  for (const [name, source] of Object.entries(refs)) {
    if ('input' in source) values[name] = inputs[source.input]
    else {
      const output = byStep.get(source.step)?.output
      values[name] = await decodePresent(output, ['step', parent.id, source.step, '', 'output'], encoding)
    }
  }
  return values
}

/** Of a parent that is a child itself, they may be with its own parent. */
async function inputsOf(context: DocketContext, record: ExecutionRecord): Promise<Readonly<Record<string, unknown>>> {
  const { encoding } = context.connection
  const stored = await readInputs(record, encoding)
  const whole = await withReferencedInputs(context, record, stored)
  return whole === record ? stored.$checked : (await readInputs(whole, encoding)).$checked
}
