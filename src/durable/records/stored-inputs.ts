import { isDeepStrictEqual } from 'node:util'
import { SerializationError } from '../../core/errors.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { Plan } from '../../core/graph/plan.ts'
import type { ValueSource } from '../../runtime/steps/step-work.ts'
import { isRecord } from '../../core/is-record.ts'
import { encodedValue, placeOf } from '../../core/values/value-encoding.ts'
import type { ValueEncoding, ValueIdentity } from '../../core/values/value-encoding.ts'
import { graphHashOf } from './graph-hash.ts'
import { isSensitiveIn, sensitiveMark, sensitiveNamesOf } from './sensitive-types.ts'
import { namesAtStart } from './stored-names.ts'
import type { StoredLimits } from './stored-limits.ts'
import type { StoredNames } from './stored-names.ts'

/** What the stored inputs are: as they were given and, where schemas converted them, as the steps get them. */
export interface StoredInputs {
  readonly $given: Readonly<Record<string, unknown>>
  readonly $checked: Readonly<Record<string, unknown>>
  /** Names of those that were given as overrides: values for types that steps made when the execution began. */
  readonly $overrides: readonly string[]
  /** Declared versions of the inputs' data types, as far as they have one. */
  readonly $versions?: Readonly<Record<string, string>>
  readonly $names?: StoredNames
  /** Values that were given with the start for what steps wait for, by type. */
  readonly $signals?: Readonly<Record<string, unknown>>
  /** What its steps wait for, as of the graph that it began with. */
  readonly $waits?: PlannedWaits
  readonly $limits?: StoredLimits
  /** Of an execution of a workflow, its drawing, which may be anything: see `graphOfDrawing`. */
  readonly $drawing?: unknown
  /** What becomes of it when its process is lost. @default another one goes on with it */
  readonly $onWorkerLoss?: WorkerLossPolicy
  /** Inputs that are not among the given ones: where its parent has them on record, by type. */
  readonly $refs?: Readonly<Record<string, ValueSource>>
  /** Names of its types that are sensitive. */
  readonly $sensitive?: readonly string[]
}

/** What is stored with the inputs of a child. */
export interface ChildMarks {
  readonly onWorkerLoss?: WorkerLossPolicy | undefined
  /** For each input that stays with the parent, where it is on record there. */
  readonly sources?: readonly (ValueSource | undefined)[] | undefined
}

/** What becomes of an execution that never goes on in another process: it begins anew there, or it fails. */
export type WorkerLossPolicy = 'restart' | 'fail'

/** What steps of a plan wait for: so a process without the graph knows what can be sent. */
export interface PlannedWaits {
  /** Digest of the graph: of another version this says nothing. */
  readonly graph: string
  /** Types of signals. */
  readonly signals: readonly string[]
  /** Types of which steps receive any number. @default none */
  readonly receives?: readonly string[]
}

/**
 * The inputs as one document: each as it was given, under its type's name, where SQL finds it. Beside them, `$checked` has those that
 * their schemas converted, `$versions` the declared versions, `$names` what keys are made of, and `$overrides` the names of those that were given as overrides: a graph
 * that changes meanwhile must not make one of the other; `$signals` has what came with the start, and `$waits` what may be sent. A schema that only copies has converted nothing.
 */
export function storedInputsOf(
  plan: Plan,
  given: readonly unknown[],
  checked: readonly unknown[],
  signals: Readonly<Record<string, unknown>> = {},
  limits?: StoredLimits,
  { onWorkerLoss, sources = [] }: ChildMarks = {},
): Readonly<Record<string, unknown>> {
  const { index, leaves, overridden, signalSteps, receivers } = plan
  const document: Record<string, unknown> = {}
  const converted: Record<string, unknown> = {}
  const versions: Record<string, string> = {}
  const refs: Record<string, ValueSource> = {}
  const names = namesAtStart(index)
  for (const [i, { type, isRequired }] of leaves.entries()) {
    const source = sources[i]
    if (source !== undefined) refs[type.name] = source
    else if (given[i] !== undefined || isRequired) document[type.name] = given[i]
    if (checked[i] !== given[i] && !isDeepStrictEqual(checked[i], given[i])) converted[type.name] = checked[i]
    if (type.version !== undefined) versions[type.name] = type.version
  }
  return {
    ...document,
    ...(Object.keys(converted).length > 0 && { $checked: converted }),
    ...(Object.keys(versions).length > 0 && { $versions: versions }),
    ...(overridden.length > 0 && { $overrides: overridden }),
    ...(names !== undefined && { $names: names }),
    ...(Object.keys(signals).length > 0 && { $signals: signals }),
    ...(limits !== undefined && { $limits: limits }),
    ...(index.drawing !== undefined && { $drawing: index.drawing }),
    ...(onWorkerLoss !== undefined && { $onWorkerLoss: onWorkerLoss }),
    ...(Object.keys(refs).length > 0 && { $refs: refs }),
    ...sensitiveMark(plan),
    ...waitsMark({ index, signalSteps, receivers }),
  }
}

/** What a plan waits for, to stand beside the inputs of what runs it; nothing where it waits for nothing from outside. */
export function waitsMark({ index, signalSteps, receivers }: Pick<Plan, 'index' | 'signalSteps' | 'receivers'>): {
  readonly $waits?: PlannedWaits
} {
  if (signalSteps.length + receivers.length === 0) return {}
  const receives = receivers.flatMap(({ spec }) => spec.receives.map(({ name }) => name))
  const signals = signalSteps.map(({ spec }) => spec.output.name)
  return { $waits: { graph: graphHashOf(index), signals, ...(receives.length > 0 && { receives }) } }
}

/** Such a document, as a store keeps it. @throws (as rejection) SerializationError */
export function encodedDocument(
  encoding: ValueEncoding,
  document: unknown,
  id: string,
  plan: Plan,
): Promise<StoredValue> {
  return encodedValue(encoding, document, ['execution', id, 'inputs'], isSensitiveIn(plan))
}

/** The stored inputs of an execution, with other limits. @throws (as rejection) SerializationError */
export async function inputsWithLimits(
  { id, inputs }: ExecutionRecord,
  limits: StoredLimits | undefined,
  encoding: ValueEncoding,
  plan: Plan,
): Promise<StoredValue> {
  const document = (await decodePresent(inputs, ['execution', id, 'inputs'], encoding)) as object
  return encodedDocument(encoding, { ...document, $limits: limits }, id, plan)
}

/** Decodes an execution's inputs. @throws SerializationError */
export async function readInputs(record: ExecutionRecord, encoding: ValueEncoding): Promise<StoredInputs> {
  const identity = ['execution', record.id, 'inputs']
  const stored = await decodePresent(record.inputs, identity, encoding)
  if (!isRecord(stored)) throw unreadable(identity, 'it is not a record of inputs')
  const {
    $checked: converted,
    $versions: versions,
    $overrides: overrides,
    $names: names,
    $signals: signals,
    $waits: waits,
    $limits: limits,
    $drawing: drawing,
    $onWorkerLoss: onWorkerLoss,
    $refs: refs,
    $sensitive: _,
    ...given
  } = stored
  const sensitive = sensitiveNamesOf(stored)
  return {
    $given: given,
    $checked: isRecord(converted) ? { ...given, ...converted } : given,
    $overrides: Array.isArray(overrides) ? overrides.filter((name) => typeof name === 'string') : [],
    ...(isRecord(versions) && { $versions: versions as Readonly<Record<string, string>> }),
    ...(isRecord(names) && { $names: names }),
    ...(isRecord(signals) && { $signals: signals }),
    ...(isRecord(limits) && { $limits: limits }),
    ...(drawing !== undefined && { $drawing: drawing }),
    ...(sensitive.length > 0 && { $sensitive: sensitive }),
    ...(isRecord(refs) && { $refs: refs as Readonly<Record<string, ValueSource>> }),
    ...((onWorkerLoss === 'restart' || onWorkerLoss === 'fail') && { $onWorkerLoss: onWorkerLoss }),
    ...(isRecord(waits) && Array.isArray(waits['signals']) && { $waits: waits as unknown as PlannedWaits }),
  }
}

/** Decodes a value that must be there: somebody may have edited the record. @throws SerializationError (or rejects with it) */
export function decodePresent(
  stored: StoredValue | undefined,
  identity: ValueIdentity,
  encoding: ValueEncoding,
): unknown {
  if (stored == null) throw unreadable(identity, 'it is not there')
  return encoding.decode(stored, identity)
}

/** What somebody has edited, or a newer version has written. */
export function unreadable(identity: ValueIdentity, why: string): SerializationError {
  return new SerializationError(`can’t read ${placeOf(identity)}: ${why}`)
}
