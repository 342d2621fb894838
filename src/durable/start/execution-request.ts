import type { AnyDataType } from '../../core/language/data-type.ts'
import { requireLength } from '../../core/check-length.ts'
import { durationMs } from '../../core/duration.ts'
import { ExecutionConflictError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import type { ExecutionRecord, NewExecution } from '../../core/contracts/execution-record.ts'
import { planOf } from '../../core/graph/plan.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import { encodedValue } from '../../core/values/value-encoding.ts'
import type { Plan, PlanStep } from '../../core/graph/plan.ts'
import { withDrawnArgs } from '../../runtime/inputs/drawn-args.ts'
import { checkLeaves, givenInputs, namedLeaves } from '../../runtime/inputs/given-inputs.ts'
import type { GivenInputs } from '../../runtime/inputs/given-inputs.ts'
import { givenSignals, problemOfSignals } from '../../runtime/inputs/given-signals.ts'
import type { StartSignals } from '../../runtime/inputs/given-signals.ts'
import type { NewMessage } from '../../core/contracts/message.ts'
import { requestDigestOf } from '../../runtime/results/execution-memory.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { startMessages } from '../context/start-messages.ts'
import { callerOptionsOf } from '../context/start-options.ts'
import type { CallerOptions, OverridingOptions, StartOptions } from '../context/start-options.ts'
import { countsAttempts, firstAttemptOf } from '../ownership/announced-attempts.ts'
import { graphHashOf } from '../records/graph-hash.ts'
import { machineVersion } from '../records/machine-version.ts'
import { latestEndOf, storedLimitsOf } from '../records/stored-limits.ts'
import { encodedDocument, storedInputsOf } from '../records/stored-inputs.ts'
import type { ChildMarks } from '../records/stored-inputs.ts'
import { ownedExecutionOf } from '../recovery/execution-from-records.ts'
import { headersOut } from './headers-out.ts'
import { placeInQueue, withDrawnPlace } from './place-in-queue.ts'
import type { PlaceInQueue } from './place-in-queue.ts'

/** Something that is about to exist: an execution or a batch. */
export interface StartRequest {
  readonly id: string
  readonly graph: string
  readonly target: string
  readonly requestDigest: string
  readonly caller: CallerOptions
  /** Where it stands. */
  readonly place: PlaceInQueue
  /** Whether it may begin here at once. */
  readonly isEager: boolean
  /** Whether one that has failed, or was cancelled, goes on. @default true */
  readonly reopens?: boolean
  /** Looks whether the values fit their schemas; what `newRecord` needs of that it does not do again. @throws InputError */
  check?(): Promise<void>
  /** Set where it is new: it was started by this request. */
  isNew?: boolean
  /** Messages that take the places of the signals which come with the start. */
  signals?(): Promise<readonly NewMessage[]>
  /** The record that it begins with; without an owner, any process may begin it. @throws InputError, SerializationError */
  newRecord(owner: string | undefined): Promise<NewExecution>
  /** Begins it here, once the record is written. */
  begin(created: NewExecution): Promise<void>
}

/** What is given for an execution that is about to exist. */
interface GivenExecution {
  readonly graph: AnyGraph
  readonly target: AnyDataType
  readonly given: GivenInputs
  readonly signals: StartSignals
  /** The execution for which it is a child: its values are checked. */
  readonly parent: Parentage | undefined
  readonly place: PlaceInQueue
  /** Gives when it ends at the latest, in the store's time, once the store is open. */
  readonly deadlineAt: () => number | undefined
  readonly requestDigest: string
  readonly options: StartOptions & { readonly id: string }
}

/** Whose child an execution is. */
interface Parentage {
  readonly id: string
  /** What the child is known by: its parent, not its inputs, which another life of the parent may make anew. */
  readonly requestDigest: string
  /** When the parent ends at the latest, in the store's time: so does its child. */
  readonly deadline: number | undefined
  /** Where the parent stands: so does its child, if nothing else is said. */
  readonly place: Omit<PlaceInQueue, 'startAt'>
  /** What is stored with the child's inputs. */
  readonly marks: ChildMarks
}

/** Prepares an execution. @throws GraphError, InputError, OptionError, SerializationError */
export function executionRequest(
  context: DocketContext,
  graph: AnyGraph,
  target: AnyDataType,
  asGiven: unknown,
  { overrides, signals: sent, ...options }: OverridingOptions,
): StartRequest {
  const inputs = withDrawnArgs(graph, target, asGiven)
  const given = givenInputs(context.requireGraph(graph), target, inputs, overrides)
  const signals = givenSignals(given.plan, sent)
  const input = overrides === undefined ? inputs : namedLeaves(given)
  return requestOf(context, { given, signals, input, parent: undefined }, options)
}

/**
 * Prepares the child of an execution: its values are checked already. With `reopens: false`, one that has ended meanwhile stays as it is.
 * @throws OptionError, SerializationError
 */
export function childRequest(
  context: DocketContext,
  given: GivenInputs,
  parent: Parentage,
  options: StartOptions & { readonly id: string },
  reopens = true,
): StartRequest {
  const { index, target } = given.plan
  const own = context.requireGraph(index.graph)
  const plan = own === index.graph ? given.plan : planOf(own, target)
  const asked = { plan, leafValues: given.leafValues }
  const child = requestOf(context, { given: asked, signals: {}, input: namedLeaves(asked), parent }, options)
  return { ...child, reopens }
}

function requestOf(
  context: DocketContext,
  what: Pick<GivenExecution, 'given' | 'signals' | 'parent'> & { readonly input: unknown },
  options: StartOptions,
): StartRequest {
  const { given, signals, input, parent } = what
  const { target, index } = given.plan
  const { graph } = index
  const { encoding } = context.connection
  const requestDigest = parent?.requestDigest ?? encoding.resultKey(requestDigestOf(given.plan, given.leafValues))
  const id = options.id ?? context.newId()
  requireLength(context.connection.store, 'executionId', 'execution id', id)
  const headers = headersOut(context, graph, options.headers, parent !== undefined)
  const startOptions = { ...options, id, headers }
  const place = placeInQueue(context, withDrawnPlace(options, index.drawing), parent?.place)
  let leafValues: readonly unknown[]
  let checked: readonly unknown[] | undefined
  const calledAt = context.deadlineOf(options)
  const deadlineAt = parent === undefined ? calledAt : (): number | undefined => parent.deadline
  const asked = { graph, target, given, signals, parent, place, deadlineAt, requestDigest, options: startOptions }
  return {
    id,
    graph: graph.name,
    target: target.name,
    requestDigest,
    caller: callerOptionsOf(startOptions, calledAt),
    place,
    isEager: options.eager !== false,
    ...(Object.keys(signals).length > 0 && { signals: () => startMessages(context, id, given.plan, signals) }),
    check: async () => {
      checked = await checkedLeaves(asked)
    },
    newRecord: async (owner) => {
      leafValues = checked ?? (await checkedLeaves(asked))
      const record = await newRecordOf(asked, leafValues, owner, context)
      if (owner === undefined) return record
      const begun = countedFirst(given.plan, context.setup)
      return { ...record, steps: begun.map((step) => firstAttemptOf(step, '', record.createdAt)) }
    },
    begin: async (created) => {
      const record = { ...created, epoch: 1, ownedMs: 0, recoveries: 0 }
      const parts = {
        given: { plan: given.plan, leafValues },
        input,
        requestDigest,
        startOptions: { ...startOptions, deadline: created.deadline },
        limits: storedLimitsOf(options, context.options, deadlineAt()),
        record,
        begun: created.steps,
        signals,
        onWorkerLoss: parent?.marks.onWorkerLoss,
      }
      if (!context.enter(ownedExecutionOf(context, { ...parts, restored: undefined })))
        await context.releaseIfClosing(record)
    },
  }
}

/** The leaf values as the schemas make them. @throws InputError */
async function checkedLeaves({ given, signals, parent, options }: GivenExecution): Promise<readonly unknown[]> {
  const { plan, leafValues } = given
  if (parent !== undefined) return leafValues
  const values = new Array<unknown>(plan.types.length)
  const place = { graph: plan.index.graph.name, executionId: options.id }
  const error = await checkLeaves(plan, leafValues, values, () => place)
  if (error !== undefined) throw error
  const wrong = await problemOfSignals(plan, signals)
  if (wrong !== undefined) throw wrong
  return plan.leaves.map(({ slot }) => values[slot])
}

/** Steps that begin with the execution, and count their attempts. */
function countedFirst({ initial, steps }: Plan, { persistOf }: DocketContext['setup']): readonly PlanStep[] {
  return initial
    .map((position) => steps[position]!)
    .filter(({ spec }) => countsAttempts(spec, spec.persist ?? persistOf?.(spec)))
}

/** The record that an execution begins with; without an owner, any process may begin it. @throws SerializationError */
async function newRecordOf(
  request: GivenExecution,
  values: readonly unknown[],
  owner: string | undefined,
  context: DocketContext,
): Promise<NewExecution> {
  const { graph, target, given, signals, options, requestDigest } = request
  const { plan, leafValues } = given
  const createdAt = context.turns.creationTime(context.clock.now())
  const startedAt = owner === undefined ? undefined : createdAt
  const deadline = request.deadlineAt()
  const limits = storedLimitsOf(options, context.options, deadline)
  const marks = await marksOf(request, leafValues, context)
  // The store is open: its time is read once, from here on.
  const place = { ...request.place }
  const inputs = storedInputsOf(plan, leafValues, values, signals, limits, marks)
  return {
    id: options.id,
    kind: 'execution',
    graph: graph.name,
    target: target.name,
    requestDigest,
    inputs: await encodedDocument(context.connection.encoding, inputs, options.id, plan),
    headers: options.headers ?? {},
    graphHash: graphHashOf(plan.index),
    machineVersion,
    parent: request.parent?.id,
    forkedFrom: undefined,
    ...place,
    timeoutMs: options.timeout === undefined ? undefined : durationMs(options.timeout),
    deadline: limits === undefined ? deadline : latestEndOf(limits, { createdAt, startedAt, startAt: place.startAt }),
    owner,
    createdAt,
    // Its owner begins it as soon as it is there.
    startedAt,
  }
}

/** From this size on, in bytes as stored, a value stays where it is on record: to read it there costs the process that gets the child another call of the store. */
const referencedFrom = 16 * 1024

/** Of the inputs that the parent has on record, those that are large stay with it. */
async function marksOf(
  { parent, given: { plan }, options }: GivenExecution,
  leafValues: readonly unknown[],
  { connection }: DocketContext,
): Promise<ChildMarks | undefined> {
  if (parent?.marks.sources === undefined) return parent?.marks
  const sources = await Promise.all(
    parent.marks.sources.map(async (source, index) => {
      if (source === undefined || leafValues[index] === undefined) return undefined
      const { type } = plan.leaves[index]!
      const identity = ['execution', options.id, 'inputs', type.name]
      const { length } = await encodedValue(connection.encoding, leafValues[index], identity, isSensitiveType(type))
      return length < referencedFrom ? undefined : source
    }),
  )
  return { ...parent.marks, sources }
}

/** Makes sure that an id stands for this request. @throws ExecutionConflictError */
export function requireSame(
  { id, graph, target, requestDigest }: StartRequest,
  known: Pick<ExecutionRecord, 'graph' | 'target' | 'requestDigest'>,
): void {
  if (known.graph === graph && known.target === target && known.requestDigest === requestDigest) return
  const what =
    known.graph !== graph || known.target !== target
      ? `for "${known.target}" of graph "${known.graph}"`
      : 'with other inputs'
  throw new ExecutionConflictError(
    `execution "${id}" was started before ${what}; use another id, or give the same target and inputs`,
    {
      graph,
      executionId: id,
    },
  )
}
