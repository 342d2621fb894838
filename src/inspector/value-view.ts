import { describeThrown } from '../core/thrown.ts'
import type { ExecutionPlan } from '../durable/execution-plan.ts'
import type { ExecutionDetails } from '../durable/records/execution-info.ts'
import type { ValueView } from './protocol.ts'
import { RequestProblem } from './request-problem.ts'
import { cutToBytes, typedText, valueText } from './value-text.ts'

/** How much of a value is sent. */
const mostBytes = 64 * 1024

/** Which value of an execution is wanted. */
export interface ValueQuery {
  readonly of: string
  readonly type?: string
  readonly step?: string
  readonly item?: string
}

/** A value that was found, and what is known of it. */
interface FoundValue {
  readonly type: string
  readonly value: unknown
  readonly isSensitive: boolean
  /** Why it can't be shown, if it can't. */
  readonly problem?: string | undefined
}

/** One value as text; nothing of it where its type is sensitive. @param form `typed`: as it is edited @throws RequestProblem */
export function valueViewOf({ type, value, isSensitive, problem }: FoundValue, form?: string): ValueView {
  if (form !== undefined && form !== 'typed') throw new RequestProblem(400, 'form is typed, or not there')
  const nothing = { type, bytes: 0, isCut: false }
  if (isSensitive) return { ...nothing, isSensitive, problem: 'its type is declared as sensitive' }
  if (value === undefined) return { ...nothing, isSensitive: false, problem: problem ?? 'there is no value' }
  try {
    const text = form === 'typed' ? typedText(value) : valueText(value)
    const shown = cutToBytes(text, mostBytes)
    return { type, text: shown, bytes: Buffer.byteLength(text), isCut: shown.length < text.length, isSensitive: false }
  } catch (thrown) {
    return { ...nothing, isSensitive: false, problem: describeThrown(thrown).slice(0, 500) }
  }
}

/** A value of an execution; sensitive where its declaration says so, or said so when the execution began. @throws RequestProblem for what is not there */
export function findValue(details: ExecutionDetails, plan: ExecutionPlan | undefined, query: ValueQuery): FoundValue {
  const { id, inputs, overrides, output, target, steps, sensitive } = details
  if (query.of === 'output') return { type: target, value: output, isSensitive: sensitive.includes(target) }
  if (query.of === 'input') {
    const { type = '' } = query
    const given = [inputs, overrides].find((record) => Object.hasOwn(record, type))
    if (given === undefined) throw new RequestProblem(404, `execution "${id}" was given no "${type.slice(0, 100)}"`)
    return { type, value: given[type], isSensitive: sensitive.includes(type) }
  }
  if (query.of !== 'step') throw new RequestProblem(400, 'of is input, output, step or message')
  const step = steps.find((one) => one.step === query.step && one.item === query.item)
  if (step === undefined) throw new RequestProblem(404, `execution "${id}" has no such step`)
  const planned = plan?.steps.find(({ name }) => name === step.step)
  return {
    type: planned?.declaration.output.name ?? step.step,
    value: step.output,
    isSensitive: step.isSensitive === true,
  }
}
