import { describe, reportUnknownKeys } from '../../core/check-options.ts'
import { InputError, OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { isRecord } from '../../core/is-record.ts'
import { errorOfWrongItems } from '../../runtime/batch/item-inputs.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import { checkExecuteOptions } from '../../runtime/execution/execution-options.ts'
import { startOptionNames } from '../context/call-options.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { OverridingOptions } from '../context/start-options.ts'
import { problemsOfStart } from '../context/start-problems.ts'
import { begunBy, beginExecution, underKeys } from './begin-execution.ts'
import type { BegunExecution } from './begin-execution.ts'
import { executionRequest } from './execution-request.ts'
import type { StartRequest } from './execution-request.ts'
import type { ExecutionStarter } from './start-execution.ts'

/** What one of many starts came to: its execution, or why there is none. */
export type StartedOrNot = BegunExecution | { readonly error: unknown }

/** Many executions that a caller wants, of one graph and target. */
export interface WantedExecutions {
  readonly graph: AnyGraph
  readonly target: AnyDataType
  readonly starts: readonly ({ readonly inputs: unknown } & OverridingOptions)[]
  /** The client of the caller's transaction. */
  readonly transaction: unknown
}

/**
 * Starts many executions, in few calls of the store. What is wrong with the call is refused before anything is written; what becomes of each then is
 * its own. @throws InputError, OptionError, GraphError, DocketClosedError
 */
export async function startMany(
  context: DocketContext,
  starter: ExecutionStarter,
  wanted: WantedExecutions,
): Promise<readonly StartedOrNot[]> {
  const { graph, target, starts, transaction } = wanted
  context.requireOpen()
  context.requireGraph(graph)
  await checkStarts(context, starts, transaction)
  const { start, signal } = context.interceptors
  if (start === undefined && signal === undefined) {
    const requests = await requestsOf(context, wanted)
    if (transaction !== undefined) {
      const errors = await starter.startAllWithin(transaction, requests)
      return requests.map((request, index) => errors[index] ?? begunBy(request))
    }
    const begin = async (request: StartRequest, index: number): Promise<BegunExecution> =>
      (await underKeys(context, request, starts[index]!, () => starter.start(request))) ?? begunBy(request)
    return allBegun(context, requests, begin)
  }
  // Interceptors may mend inputs, or refuse them: each is judged by itself, after them.
  const begin = ({ inputs, ...options }: (typeof starts)[number]) =>
    beginExecution(context, starter, { graph, target, inputs, options, transaction })
  if (transaction === undefined) return allBegun(context, starts, begin)
  const outcomes: StartedOrNot[] = []
  for (const one of starts) outcomes.push(await settled(begin(one)))
  return outcomes
}

/** Begins all of them, in their order; to encode the inputs of very many takes more than one turn of the event loop. */
async function allBegun<One>(
  { hostClock }: DocketContext,
  all: readonly One[],
  begin: (one: One, index: number) => Promise<BegunExecution>,
): Promise<readonly StartedOrNot[]> {
  const turn = turnOf(hostClock)
  const begun: Promise<StartedOrNot>[] = []
  for (const [index, one] of all.entries()) {
    if (turn.mustYield()) await turn.next()
    begun.push(settled(begin(one, index)))
  }
  return Promise.all(begun)
}

function settled(begun: Promise<BegunExecution>): Promise<StartedOrNot> {
  return begun.then(
    ({ id, outcome }) => ({ id, outcome }),
    (error: unknown) => ({ error }),
  )
}

/** @throws OptionError with all problems of all starts */
async function checkStarts({ hostClock }: DocketContext, starts: unknown, transaction: unknown): Promise<void> {
  if (!Array.isArray(starts)) throw new OptionError(`startMany: starts must be an array, not ${describe(starts)}`)
  const turn = turnOf(hostClock)
  const problems: string[] = []
  for (const [index, start] of (starts as readonly unknown[]).entries()) {
    if (turn.mustYield()) await turn.next()
    const report = (problem: string): void => void problems.push(`start ${index}: ${problem}`)
    if (!isRecord(start)) {
      report(`is { inputs, id?, … }, not ${describe(start)}`)
      continue
    }
    reportUnknownKeys('', start, ['inputs', ...startOptionNames], report)
    const known = Object.fromEntries(startOptionNames.map((name) => [name, start[name]]))
    try {
      checkExecuteOptions('startMany', known, startOptionNames, problemsOfStart(known, transaction))
    } catch (error) {
      if (!(error instanceof OptionError)) throw error
      report(error.message.replace(/^startMany: /, ''))
    }
  }
  if (problems.length === 1) throw new OptionError(`startMany: ${problems[0]}`)
  if (problems.length > 1) throw new OptionError(`startMany: ${problems.length} problems:\n- ${problems.join('\n- ')}`)
}

/** Prepares all of them. @throws InputError, OptionError with all that is wrong */
async function requestsOf(
  context: DocketContext,
  { graph, target, starts }: WantedExecutions,
): Promise<readonly StartRequest[]> {
  const turn = turnOf(context.hostClock)
  const requests: StartRequest[] = []
  const wrong: InputError[] = []
  const problems: string[] = []
  for (const [item, { inputs, onBusy: _, dedupe: __, ...options }] of starts.entries()) {
    if (turn.mustYield()) await turn.next()
    try {
      const request = executionRequest(context, graph, target, inputs, options)
      await request.check?.()
      requests.push(request)
    } catch (error) {
      if (error instanceof InputError) wrong.push(ofItem(error, item))
      else if (error instanceof OptionError) problems.push(`start ${item}: ${error.message}`)
      else throw error
    }
  }
  if (problems.length > 0) throw new OptionError(`startMany: ${problems.join('\n- ')}`)
  if (wrong.length > 0) throw errorOfWrongItems(wrong)
  return requests
}

function ofItem({ code, message, issues, graph, executionId, cause }: InputError, item: number): InputError {
  const place = { graph, executionId, item }
  const found = issues.map((issue) => ({ ...issue, item }))
  return new InputError(code as 'INPUT_INVALID', `start ${item}: ${message}`, found, place, { cause })
}
