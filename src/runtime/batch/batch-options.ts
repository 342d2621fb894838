import { batchPlanOf } from '../../core/graph/batch-plan.ts'
import type { GivenApp } from '../../core/graph/app-types.ts'
import { describe, isWholeFromOne } from '../../core/check-options.ts'
import { isRecord } from '../../core/is-record.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { InputError } from '../../core/errors.ts'
import type { InputIssue } from '../../core/errors.ts'
import type { AnyGraph } from '../../core/graph/graph-index.ts'
import { planOf, requireIndex, requireTarget } from '../../core/graph/plan.ts'
import type { BatchSetup } from './batch-setup.ts'
import { checkExecuteOptions, executeOptionNames } from '../execution/execution-options.ts'
import type { ExecuteOptions, Overriding } from '../execution/execution-options.ts'
import { randomId } from '../environment/ids.ts'
import { resolveOptions } from '../execution/execution-setup.ts'
import { GivenItemSignals } from './given-item-signals.ts'
import { ItemInputs } from './item-inputs.ts'
import { drawnArgsFor } from '../inputs/drawn-args.ts'
import { isLeafOf, isRequiredOf, matchInputs, readOverrides, unknownKeyText } from '../inputs/given-inputs.ts'
import { readRecord } from '../inputs/input-record.ts'
import { processCache, ResultCache } from '../results/result-cache.ts'
import { refuseEvents } from '../steps/event-step.ts'
import { refuseSharedLimits } from '../steps/shared-limits.ts'
import { undoingsOf } from '../results/undoings.ts'

/** How a batch runs. */
export interface BatchOptions extends ExecuteOptions, Overriding {
  /** Leaf inputs given once for all items, by type name. @default {} */
  readonly shared?: Readonly<Record<string, unknown>> | undefined
  /** How many items run at the same time; one that waits for a backoff or for the others does not count. @default 100 */
  readonly concurrency?: number | undefined
  /** Whether the first failure ends the batch, or each item has its own outcome. @default 'fail' */
  readonly onError?: 'fail' | 'collect' | undefined
  /**
   * Values for types that steps wait for, as their schemas take them: they have come before anything begins. For what differs from item to item, one value for
   * all items, or a function of the item; undefined where there is none for it. @default none
   */
  readonly signals?: Readonly<Record<string, unknown>> | undefined
}

/** How a streamed batch runs. */
export interface StreamOptions extends BatchOptions {
  /** Whether outcomes come in the items' order, or as they are made. @default true */
  readonly ordered?: boolean | undefined
  /**
   * How many items are open at once, those included that only wait and so don't count for `concurrency`. A step with an `all(T)` port needs all of them
   * open, however many that are. @default 1000, or ten times the concurrency if that is more
   */
  readonly maxOpen?: number | undefined
}

const batchOptionNames = [...executeOptionNames, 'shared', 'concurrency', 'onError', 'signals']
const streamOptionNames = [...batchOptionNames, 'ordered', 'maxOpen']
const defaultConcurrency = 100

/** What executeBatch and streamBatch have in common: everything of a batch but its items and the consumer of its outcomes. */
export type BatchFrame = Pick<
  BatchSetup,
  'plan' | 'options' | 'sharedLeaves' | 'concurrency' | 'maxOpen' | 'collects' | 'cache' | 'undoings'
> & { readonly inputs: ItemInputs; readonly signals: GivenItemSignals | undefined }

/** Checks a batch call and prepares it. @throws OptionError, GraphError, InputError for `shared` */
export function batchFrameOf(
  call: 'executeBatch' | 'streamBatch' | 'startBatch',
  graph: AnyGraph,
  target: AnyDataType,
  options: StreamOptions & GivenApp<unknown> = {},
): BatchFrame {
  const {
    shared = {},
    overrides,
    concurrency = defaultConcurrency,
    onError = 'fail',
    ordered,
    maxOpen,
    signals,
  } = options
  checkExecuteOptions(call, options, call === 'streamBatch' ? streamOptionNames : batchOptionNames, [
    !(concurrency === Infinity || isWholeFromOne(concurrency)) &&
      `concurrency must be a whole number of at least 1, not ${describe(concurrency)}`,
    !isRecord(shared) && `shared must be an object keyed by type names, not ${describe(shared)}`,
    onError !== 'fail' && onError !== 'collect' && `onError must be 'fail' or 'collect', not ${describe(onError)}`,
    maxOpen !== undefined &&
      !isWholeFromOne(maxOpen) &&
      `maxOpen must be a whole number of at least 1, not ${describe(maxOpen)}`,
    ordered !== undefined && typeof ordered !== 'boolean' && `ordered must be true or false, not ${describe(ordered)}`,
  ])
  const index = requireIndex(graph)
  requireTarget(index, target)
  const collects = onError === 'collect'
  const plain = planOf(graph, target)
  const issues: InputIssue[] = []
  const overriding = readOverrides(plain, overrides, issues)
  const read = readRecord(shared, '', (key) => isRequiredOf(plain, key))
  const sharedNames = new Set(read.problem === undefined ? read.values.keys() : [])
  const plan = batchPlanOf(graph, target, sharedNames, collects, new Set(overriding.keys()))
  if (call !== 'startBatch') {
    refuseEvents(plan.whole)
    refuseSharedLimits(plan.whole)
  }
  const id = options.id ?? randomId(options.random)
  const matched = matchInputs({
    plan: plan.shared,
    inputs: shared,
    overriding,
    takes: (key) => isLeafOf(plain, key),
    refusalOf: (key) => unknownKeyText(plain, key),
    issues,
    what: 'shared',
  })
  if (matched instanceof InputError) throw matched
  const place = { graph: graph.name, executionId: id }
  const given = signals === undefined ? undefined : new GivenItemSignals(call, plan, signals, place)
  return {
    plan,
    options: resolveOptions(index, target.name, { ...options, id }),
    sharedLeaves: matched.leafValues,
    concurrency,
    maxOpen,
    collects,
    // Items of an unnamed batch share its results with nobody else: they go with the batch.
    cache: options.id === undefined ? new ResultCache() : processCache,
    undoings: undoingsOf(plan.whole, options.id),
    signals: given,
    inputs: new ItemInputs(plan, sharedNames, place, given, drawnArgsFor(graph, target)),
  }
}
