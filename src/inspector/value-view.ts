import { describeThrown } from '../core/thrown.ts'
import type { ExecutionPlan } from '../durable/execution-plan.ts'
import type { ExecutionDetails } from '../durable/records/execution-info.ts'
import { isHidden, typesOf } from './execution-view.ts'
import type { ValueView } from './protocol.ts'
import { RequestProblem } from './request-problem.ts'
import { cutToBytes, valueText } from './value-text.ts'

/** How much of a value is sent. */
const mostBytes = 64 * 1024

/** Which value of an execution is wanted. */
export interface ValueQuery {
  readonly of: string
  readonly type?: string
  readonly step?: string
  readonly item?: string
}

/**
 * One value as text; nothing of it where its type is sensitive. Whether it is, is declared by the graph: where that is not known here, the value is not sent either, unless
 * `showsUnknown`. @throws RequestProblem for what is not there
 */
export function valueViewOf(
  details: ExecutionDetails,
  plan: ExecutionPlan | undefined,
  query: ValueQuery,
  showsUnknown: boolean,
): ValueView {
  const { type, value } = found(details, plan, query)
  const types = typesOf(plan)
  const nothing = { type, bytes: 0, isCut: false }
  if (isHidden(types, type)) return { ...nothing, isSensitive: true, problem: 'its type is declared as sensitive' }
  if (types?.has(type) !== true && !showsUnknown)
    return {
      ...nothing,
      isSensitive: false,
      problem: 'the graph that says whether it is sensitive is not known to this process',
    }
  if (value === undefined) return { ...nothing, isSensitive: false, problem: 'there is no value' }
  try {
    const text = valueText(value)
    const shown = cutToBytes(text, mostBytes)
    return { type, text: shown, bytes: Buffer.byteLength(text), isCut: shown.length < text.length, isSensitive: false }
  } catch (thrown) {
    return { ...nothing, isSensitive: false, problem: describeThrown(thrown).slice(0, 500) }
  }
}

function found(
  { id, inputs, overrides, output, target, steps }: ExecutionDetails,
  plan: ExecutionPlan | undefined,
  query: ValueQuery,
): { readonly type: string; readonly value: unknown } {
  if (query.of === 'output') return { type: target, value: output }
  if (query.of === 'input') {
    const { type = '' } = query
    const given = [inputs, overrides].find((record) => Object.hasOwn(record, type))
    if (given === undefined) throw new RequestProblem(404, `execution "${id}" was given no "${type.slice(0, 100)}"`)
    return { type, value: given[type] }
  }
  if (query.of !== 'step') throw new RequestProblem(400, 'of is input, output or step')
  const step = steps.find((one) => one.step === query.step && one.item === query.item)
  if (step === undefined) throw new RequestProblem(404, `execution "${id}" has no such step`)
  const planned = plan?.steps.find(({ name }) => name === step.step)
  return { type: planned?.declaration.output.name ?? step.step, value: step.output }
}
