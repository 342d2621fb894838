import type { NextCall, SignalIntercepted, StartIntercepted } from '../../core/contracts/interceptor.ts'
import { RefusedError } from '../../core/errors.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { withDrawnArgs } from '../../runtime/inputs/drawn-args.ts'
import { givenInputs } from '../../runtime/inputs/given-inputs.ts'
import type { GivenInputs } from '../../runtime/inputs/given-inputs.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { OverridingOptions, StartKeys } from '../context/start-options.ts'
import { batchRequest } from './batch-request.ts'
import type { StartBatchOptions } from './batch-request.ts'
import { executionRequest } from './execution-request.ts'
import type { StartRequest } from './execution-request.ts'
import type { ExecutionStarter } from './start-execution.ts'
import { claimKeys } from './start-keys.ts'
import type { StartVerdict } from './start-keys.ts'

/** An execution that a caller wants. */
export interface WantedExecution {
  readonly graph: AnyGraph
  readonly target: AnyDataType
  readonly inputs: unknown
  readonly options: OverridingOptions
  /** The client of the caller's transaction. */
  readonly transaction?: unknown
  /** What wants it. @default 'call' */
  readonly by?: 'call' | 'schedule'
  /** Makes it exist. @default the starter does */
  readonly write?: (request: StartRequest) => Promise<void>
  /** Runs it without writing it down, if that can be done. @returns whether it does */
  readonly runUnwritten?: (given: GivenInputs, inputs: unknown, options: OverridingOptions) => boolean
}

type Next = NextCall<StartIntercepted, Promise<void>>

/** An execution that was begun, or is there. */
export interface BegunExecution {
  readonly id: string
  readonly outcome: StartVerdict
}

/** Lets an execution begin, once the interceptors have seen it. @throws as `Docket.start` does */
export async function beginExecution(
  context: DocketContext,
  starter: ExecutionStarter,
  wanted: WantedExecution,
): Promise<BegunExecution> {
  const { graph, target, options, transaction } = wanted
  const inputs = withDrawnArgs(graph, target, wanted.inputs)
  const { interceptors } = context
  const begin = async (given: unknown, { onBusy, dedupe, ...changed }: OverridingOptions): Promise<BegunExecution> => {
    if (wanted.runUnwritten !== undefined && interceptors.start !== undefined) {
      const own = context.requireGraph(graph)
      if (wanted.runUnwritten(givenInputs(own, target, given, changed.overrides), given, changed))
        return { id: changed.id!, outcome: 'started' }
    }
    const request = executionRequest(context, graph, target, given, changed)
    const write = async (): Promise<void> => {
      if (wanted.write !== undefined) await wanted.write(request)
      else if (transaction === undefined) await starter.start(request)
      else await starter.startWithin(transaction, request)
    }
    const other = await underKeys(context, request, { key: changed.key, onBusy, dedupe }, write)
    return other ?? begunBy(request)
  }
  const isSignalled = options.signals !== undefined && interceptors.signal !== undefined
  if (interceptors.start === undefined && !isSignalled) return begin(inputs, options)
  const given = { kind: 'execution', inputs: inputs as StartIntercepted['inputs'], items: undefined } as const
  const wantedBy = wanted.by ?? 'call'
  const call = callersStart(context, graph, target, options, given, transaction !== undefined, wantedBy)
  const id = call.executionId
  let begun: BegunExecution | undefined
  await passStart(context, call, ({ inputs: changed, headers }) =>
    withSignals(context, call, options.signals, async (signals) => {
      begun = await begin(changed, { ...options, id, headers, ...(signals !== undefined && { signals }) })
    }),
  )
  return begun!
}

/** What a request has come to, once it is there. */
export function begunBy({ id, isNew }: StartRequest): BegunExecution {
  return { id, outcome: isNew === true ? 'started' : 'attached' }
}

/** Starts it, unless another one has one of its keys: gives that one. @throws what `write` throws, StoreError, DocketClosedError */
export async function underKeys(
  context: DocketContext,
  request: StartRequest,
  keys: StartKeys,
  write: () => Promise<void>,
  kind: 'execution' | 'batch' = 'execution',
): Promise<BegunExecution | undefined> {
  if (keys.onBusy === undefined && keys.dedupe === undefined) {
    await write()
    return undefined
  }
  await context.connection.readyBy()
  const claimed = await claimKeys(context, { ...request, kind }, keys)
  if (claimed.other !== undefined) return claimed.other
  try {
    await write()
  } catch (error) {
    // Where it can't be given back, it is void with this process, or soon.
    await claimed.abandon().catch(() => {})
    throw error
  }
  await claimed.started()
  return undefined
}

/** Lets a start pass the interceptors, if there are any. @throws RefusedError where one of them lets it vanish */
export async function passStart(
  { interceptors }: DocketContext,
  call: StartIntercepted,
  last: (call: StartIntercepted) => ReturnType<Next>,
): Promise<void> {
  const { start } = interceptors
  if (start === undefined) return last(call)
  await unlessVanished('start', call.executionId, (goesOn) => start(call, (passed) => goesOn(() => last(passed))))
}

/** Whoever began it would wait for what there is not. */
async function unlessVanished(
  hook: string,
  executionId: string,
  pass: (goesOn: (last: () => Promise<void>) => Promise<void>) => Promise<unknown>,
): Promise<void> {
  const begun: Promise<void>[] = []
  await pass((last) => {
    const one = last()
    begun.push(one)
    return one
  })
  // One that has not waited for it has gone on all the same.
  const outcomes = await Promise.allSettled(begun)
  if (outcomes.some(({ status }) => status === 'fulfilled')) return
  const [failure] = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const message = `an interceptor of ${hook} neither went on by next() nor threw: execution "${executionId}" is not started`
  throw new RefusedError(message, failure === undefined ? undefined : { cause: failure })
}

type Signals = OverridingOptions['signals']

/** Signals that come with a start pass the interceptors as those do that come later: one after the other, each around those after it. */
async function withSignals(
  { interceptors }: DocketContext,
  { executionId, graph, isInTransaction }: StartIntercepted,
  signals: Signals,
  begin: (signals: Signals) => Promise<void>,
): Promise<void> {
  const { signal } = interceptors
  if (signal === undefined || signals === undefined) return begin(signals)
  const given = Object.entries(signals).filter(([, value]) => value !== undefined)
  const passed: Record<string, unknown> = {}
  const pass = async (index: number, goesOn: (last: () => Promise<void>) => Promise<void>): Promise<void> => {
    if (index === given.length) return goesOn(() => begin(passed))
    const [type, value] = given[index]!
    const of = { executionId, graph, type, id: `start ${type}`, item: undefined }
    const call: SignalIntercepted = { ...of, value, isWithStart: true, isInTransaction }
    await signal(call, async (changed) => {
      passed[type] = changed.value
      await pass(index + 1, goesOn)
      return 'accepted'
    })
  }
  await unlessVanished('signal', executionId, (goesOn) => pass(0, goesOn))
}

const noHeaders: Readonly<Record<string, string>> = Object.freeze({})

/** Lets a batch begin, once the interceptors have seen it. @throws as `Docket.startBatch` does */
export async function beginBatch(
  context: DocketContext,
  starter: ExecutionStarter,
  graph: AnyGraph,
  target: AnyDataType,
  items: readonly unknown[],
  options: StartBatchOptions,
): Promise<BegunExecution> {
  const { onBusy, dedupe, ...others } = options
  const keys = { key: options.queueKey, onBusy, dedupe }
  const begin = async (given: readonly unknown[], changed: StartBatchOptions): Promise<BegunExecution> => {
    const request = await batchRequest(context, graph, target, given, changed)
    const write = (): Promise<void> => starter.start(request)
    return (await underKeys(context, request, keys, write, 'batch')) ?? begunBy(request)
  }
  if (context.interceptors.start === undefined) return begin(items, others)
  const call = callersStart(context, graph, target, options, { kind: 'batch', inputs: options.shared ?? {}, items })
  const id = call.executionId
  let begun: BegunExecution | undefined
  await passStart(context, call, async ({ inputs, items: given, headers }) => {
    begun = await begin(given ?? items, { ...others, id, headers, ...(inputs !== call.inputs && { shared: inputs }) })
  })
  return begun!
}

/** A start as interceptors see it, of what a caller wants. @throws DocketClosedError, OptionError for a graph that is not known */
function callersStart(
  context: DocketContext,
  graph: AnyGraph,
  target: AnyDataType,
  { id, overrides, headers = noHeaders }: Pick<StartBatchOptions, 'id' | 'overrides' | 'headers'>,
  given: Pick<StartIntercepted, 'kind' | 'inputs' | 'items'>,
  isInTransaction = false,
  by: 'call' | 'schedule' = 'call',
): StartIntercepted {
  context.requireOpen()
  context.requireGraph(graph)
  const executionId = id ?? context.newId()
  const names = { graph: graph.name, target: target.name }
  return { by, executionId, ...names, ...given, overrides, headers, parent: undefined, isInTransaction }
}

/** An execution that goes on with what is stored, of itself or of another one. */
export function storedStart(
  by: 'retry' | 'fork',
  executionId: string,
  { kind, graph, target, headers }: Pick<ExecutionRecord, 'kind' | 'graph' | 'target' | 'headers'>,
): StartIntercepted {
  const stored = { inputs: undefined, items: undefined, overrides: undefined, parent: undefined }
  return { by, kind, executionId, graph, target, headers, ...stored, isInTransaction: false }
}
