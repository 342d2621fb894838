import { didYouMean } from '../../core/closest-name.ts'
import { requireLength } from '../../core/check-length.ts'
import { ExecutionConflictError, OptionError } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { requireIndex, takersOf } from '../../core/graph/plan.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { StartIntercepted } from '../../core/contracts/interceptor.ts'
import type { AcquiredExecution, ExecutionRecord, StepRecord } from '../../core/contracts/execution-record.ts'
import { signalSlotOf } from '../../core/graph/signal-slot-of.ts'
import { turnOf } from '../../runtime/environment/turn.ts'
import { acquireOne } from '../context/acquire-one.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { requireAttached, requireWhole, unwrittenFork } from '../records/graph-hash.ts'
import { underPresentNames } from '../records/present-names.ts'
import { namesAtStart } from '../records/stored-names.ts'
import { restoreExecution } from '../records/restore-execution.ts'
import { namesNow, underNamesNow } from '../records/renamed-undos.ts'
import { passStart, storedStart } from './begin-execution.ts'
import { forkInputs } from './fork-inputs.ts'
import { hasCompleted } from '../records/known-outcome.ts'
import { lostOf } from '../records/undone-takers.ts'
import { splitUndoRecords } from '../records/undo-records.ts'
import { readInputs } from '../records/stored-inputs.ts'
import { withReferencedInputs } from '../recovery/referenced-inputs.ts'
import { causeOf } from '../recovery/resume.ts'
import type { Resumption } from '../recovery/resume.ts'

/** How an execution is forked. */
export interface ForkOptions {
  /** The step from which on everything begins anew. Only with `overrides` may it be left out. @default what `overrides` change */
  readonly from?: string | undefined
  /** Names the new execution. @default a random UUID */
  readonly id?: string | undefined
  /**
   * Other values, by type: for leaf inputs, and for types that steps make, which then don't run. What is made of them begins anew. The original stays as it is.
   * @default none
   */
  readonly overrides?: Readonly<Record<string, unknown>> | undefined
}

/** Copies an execution up to a step into a new one, which begins at once; gives the new one's id. */
export async function forkExecution(
  context: DocketContext,
  resumption: Resumption,
  id: string,
  { from, id: newId = context.newId(), overrides }: ForkOptions,
  expected?: { readonly graph: AnyGraph; readonly target: string },
): Promise<string> {
  const { connection, clock } = context
  const { encoding } = connection
  context.requireOpen()
  requireLength(connection.store, 'executionId', 'fork: execution id', newId)
  await connection.readyBy()
  const stored = await context.recordOf(id)
  if (stored === undefined)
    throw new ExecutionConflictError(`there is no execution "${id}" to fork`, { executionId: id })
  requireAttached(stored)
  requireWhole(stored)
  const graph = context.graphOf(stored)
  if (graph === undefined)
    throw new OptionError(`fork: this docket does not know graph "${stored.graph}" of execution "${id}"`)
  if (stored.kind === 'batch')
    throw new OptionError(`fork: "${id}" is a batch; start another one with the items that it needs`)
  const { steps: rows, undoRecords } = splitUndoRecords(await context.stepsOf(id))
  if (expected !== undefined) requireSame(context, stored, graph, expected)
  // Nobody's child has inputs of its own.
  const whole =
    stored.parent === undefined
      ? stored
      : await withReferencedInputs(context, stored, await readInputs(stored, encoding))
  const present = await underPresentNames({ record: whole, steps: rows }, graph, encoding, clock)
  const changed = overrides === undefined ? undefined : await forkInputs(context, present.record, graph, overrides)
  const record = changed?.record ?? present.record
  const steps = changed === undefined ? present.steps : stepsIn(changed.plan, present.steps)
  const nameNow = namesNow(requireIndex(graph).former?.steps, steps, undefined)
  const undos = await underNamesNow(id, undoRecords, nameNow, encoding)
  const restored = await restoreExecution(record, steps, graph, encoding, 'end', turnOf(clock), undos.undoRecords)
  if ('reasons' in restored)
    throw new ExecutionConflictError(`execution "${id}" can't be forked here: ${restored.reasons.join('; ')}`, {
      executionId: id,
    })
  const anew = new Set(changed?.anew)
  if (from !== undefined) {
    const names = requireIndex(graph).specs.map(({ name }) => name)
    for (const step of stepsFrom(restored.plan, requireIndex(graph).former?.steps.get(from) ?? from, names))
      anew.add(step)
  }
  const copied: StepRecord[] = []
  const undoable = new Set(
    restored.plan.steps.flatMap(({ spec }) => (spec.compensate === undefined ? [] : [spec.name])),
  )
  const lost = lostOf(restored.plan, restored.persisted.steps)
  const isUndone = record.status === 'compensating' && !hasCompleted(record)
  const turn = turnOf(clock)
  for (const step of steps) {
    if (turn.mustYield()) await turn.next()
    const view = restored.persisted.steps.get(step.step)
    if (view === undefined || anew.has(step.step)) continue
    // What the original is about to undo is no use to the fork.
    if (undoable.has(step.step) && (isUndone || lost.has(step.step))) continue
    const made = view.first === undefined ? view.output : { ...view.first }
    const output = await encoding.encode(made, ['step', newId, step.step, step.item, 'output'])
    // A race without a value is decided anew from what won it, in its first attempt.
    const isDecided = view.first !== undefined && { ...decided, startedAt: clock.now() }
    // What the original did is not the fork's to undo.
    const isOriginals = undoable.has(step.step) && { status: 'cached' as const }
    copied.push({ ...step, ...isOriginals, ...isDecided, output, error: undefined, attempts: undefined })
  }
  const { owner } = connection.session
  const index = requireIndex(graph)
  // Its keys are its own: they need no names of the original.
  const {
    $names: _,
    $signals: given = {},
    // They were the original's.
    $limits: _limits,
    ...inputs
  } = (await encoding.decode(record.inputs, ['execution', id, 'inputs'])) as StoredDocument
  const names = namesAtStart(index)
  const signals = Object.fromEntries(Object.entries(given).filter(([type]) => !anew.has(type)))
  const created = {
    ...record,
    id: newId,
    inputs: await encoding.encode(
      { ...inputs, ...(names && { $names: names }), ...(Object.keys(signals).length > 0 && { $signals: signals }) },
      ['execution', newId, 'inputs'],
    ),
    parent: undefined,
    forkedFrom: id,
    graphHash: unwrittenFork,
    owner,
    // It was the original's, and may have passed long ago.
    deadline: undefined,
    createdAt: context.turns.creationTime(clock.now()),
    startedAt: undefined,
    startAt: undefined,
  }
  const begin = async ({ headers }: StartIntercepted): Promise<void> => {
    const forked = { ...created, headers }
    const epoch = 1
    const existing = await connection.create(forked)
    // One that is there may be the very same, where an answer was lost.
    if (existing !== undefined && !(existing.owner === owner && existing.epoch === epoch && existing.forkedFrom === id))
      throw new ExecutionConflictError(`fork: execution "${newId}" is there already; use another id`, {
        executionId: newId,
      })
    // Its records come before anything of it begins.
    const { graphHash } = record
    const execution = { ...forked, ...untouched, epoch, graphHash, updatedAt: forked.createdAt }
    const records = { steps: copied, closedSlots: signalsAmong(restored.plan, copied) }
    // It waits for its turn where the store judges what may begin.
    if (context.queues.isRestricted(record.queue))
      return context.change(execution, { graphHash, isReleased: true }, records)
    await context.change(execution, { graphHash }, records)
    // Lost before it began, it is as it was: whoever may have it now goes on with it.
    let acquired: AcquiredExecution | undefined = { execution, wasLost: false }
    while (acquired !== undefined && !(await resumption.resumeOne(acquired, causeOf(acquired))))
      acquired = await acquireOne(connection, newId)
  }
  const inTurn = (call: StartIntercepted): Promise<void> => context.turns.inTurn(newId, () => begin(call))
  await passStart(context, storedStart('fork', newId, record), inTurn)
  return newId
}

/** The graph and the target that the caller has given must be the execution's. @throws OptionError */
function requireSame(
  context: DocketContext,
  { id, target }: ExecutionRecord,
  graph: AnyGraph,
  expected: { readonly graph: AnyGraph; readonly target: string },
): void {
  const now = requireIndex(graph).former?.types.get(target) ?? target
  if (context.requireGraph(expected.graph) === graph && expected.target === now) return
  throw new OptionError(
    `fork: execution "${id}" is for "${now}" of graph "${graph.name}", and not for "${expected.target}" of graph "${expected.graph.name}"`,
    { executionId: id },
  )
}

/** Records without those of steps that the graph has, and that a plan does not need any more. */
function stepsIn({ steps, index }: Plan, records: readonly StepRecord[]): readonly StepRecord[] {
  const needed = new Set(steps.map(({ spec }) => spec.name))
  const known = new Set(index.specs.map(({ name }) => name))
  return records.filter(({ step }) => needed.has(step) || !known.has(step))
}

/** Slots of signals that the fork has from the original. */
function signalsAmong({ signalSteps }: Plan, copied: readonly StepRecord[]): readonly string[] {
  const names = new Set(copied.map(({ step }) => step))
  return signalSteps.flatMap(({ spec }) => (names.has(spec.name) ? [signalSlotOf(spec.output)] : []))
}

/** As a race is on record that has a winner, and whose function has not begun. */
const decided = {
  status: 'running',
  attempt: 0,
  inputHash: undefined,
  endedAt: undefined,
  dueAt: undefined,
} as const

interface StoredDocument {
  readonly $signals?: Readonly<Record<string, unknown>>
  readonly $names?: unknown
  readonly $limits?: unknown
}

const untouched = {
  status: 'pending',
  output: undefined,
  error: undefined,
  errorCode: undefined,
  recoveries: 0,
  ownedMs: 0,
  startedAt: undefined,
  endedAt: undefined,
} as const

/** A step and all that needs what it makes. */
function stepsFrom(plan: Plan, from: string, names: readonly string[]): ReadonlySet<string> {
  const first = plan.steps.find(({ spec }) => spec.name === from)
  const { overridden, index } = plan
  const given = overridden.find((type) => index.producers.get(type)!.name === from)
  if (given !== undefined)
    throw new OptionError(`fork: step "${from}" has not run, since the value of "${given}" was given in overrides`)
  if (first === undefined)
    throw new OptionError(`fork: no step "${from}" leads to "${plan.target.name}"${didYouMean(from, names) || ''}`)
  const found = new Set([first])
  for (const { outputSlot } of found)
    for (const position of takersOf(plan, outputSlot)) found.add(plan.steps[position]!)
  return new Set([...found].map(({ spec }) => spec.name))
}
