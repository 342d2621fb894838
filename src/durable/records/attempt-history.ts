import { SerializationError } from '../../core/errors.ts'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { isTerminalStep } from '../../core/contracts/statuses.ts'
import { isRecord } from '../../core/is-record.ts'
import { shortErrorTreesOf } from '../../core/values/error-tree.ts'
import { valueOfTree } from '../../core/values/value-of-tree.ts'
import type { ValueEncoding, ValueIdentity } from '../../core/values/value-encoding.ts'
import type { StepView } from '../../runtime/execution/execution-view.ts'
import { mostAttempts } from '../../runtime/execution/past-attempt.ts'
import type { PastAttempt } from '../../runtime/execution/past-attempt.ts'
import { dateOf } from './date-of.ts'
import { isPromise } from '../../core/own-promise.ts'

/** One try of a step, as far as it is known. */
export interface AttemptInfo {
  /** Which try it is, from 1. */
  readonly attempt: number
  /** When it began. */
  readonly startedAt: Date
  /** When it ended; undefined while it runs, and for one that died with its process. */
  readonly endedAt: Date | undefined
  /** The process that made it; undefined where that is not on record: nothing is written for the only attempt of a step. */
  readonly owner: string | undefined
  /** What it failed with; of earlier ones, long texts are cut. */
  readonly error: unknown
}

/** Attempts as they are stored. The last one's end and error are those of the record, where they are missing. */
export function encodeAttempts(
  attempts: readonly PastAttempt[],
  identity: ValueIdentity,
  encoding: ValueEncoding,
): StoredValue | undefined | Promise<StoredValue | undefined> {
  const stored = attempts.slice(-mostAttempts).map(({ error, ...attempt }) => ({
    ...Object.fromEntries(Object.entries(attempt).filter(([, value]) => value !== undefined)),
    ...(error !== undefined && { error: storedError(error) }),
  }))
  try {
    const encoded = encoding.encode(stored, identity)
    return isPromise(encoded) ? encoded.catch(() => undefined) : encoded
  } catch {
    // Too long for the store, or a codec fails: no step is to fail of its history.
    return undefined
  }
}

/** The attempts of a record, for a step that goes on: what can't be read is left out. */
export async function keptAttempts(
  { attempt, status, startedAt, attempts }: StepRecord,
  identity: ValueIdentity,
  encoding: ValueEncoding,
): Promise<readonly PastAttempt[] | undefined> {
  if (attempts !== undefined) return decodeAttempts(attempts, identity, encoding)
  // The first one is on record, and may have died.
  if (status !== 'running' || attempt !== 1 || startedAt === undefined) return undefined
  return [{ attempt, startedAt, endedAt: undefined, owner: undefined, error: undefined }]
}

/** A step that has ended, and was tried more than once: its record is gone once it is undone, and its history is to stay. */
export async function withAttempts(
  view: Promise<StepView>,
  record: StepRecord,
  identity: ValueIdentity,
  encoding: ValueEncoding,
): Promise<StepView> {
  const attempts = await keptAttempts(record, identity, encoding)
  return { ...(await view), attempts, queuedAt: record.queuedAt }
}

/** What a record says of a step's attempts. */
export async function attemptsOfRecord(
  record: StepRecord,
  error: unknown,
  identity: ValueIdentity,
  encoding: ValueEncoding,
): Promise<readonly AttemptInfo[]> {
  return (await attemptsMade(record, error, identity, encoding)).map(attemptInfo)
}

/** What the record of a step's undoing says of its attempts, whose own record is gone. */
export async function attemptsOfUndone(
  { attempts }: StepRecord,
  identity: ValueIdentity,
  encoding: ValueEncoding,
): Promise<readonly AttemptInfo[]> {
  return attempts === undefined ? [] : (await decodeAttempts(attempts, identity, encoding)).map(attemptInfo)
}

/** The attempts of a record, the last one with its end and its error. */
export async function attemptsMade(
  { attempt, status, startedAt, endedAt, attempts }: StepRecord,
  error: unknown,
  identity: ValueIdentity,
  encoding: ValueEncoding,
): Promise<readonly PastAttempt[]> {
  if (attempts === undefined) {
    if (attempt !== 1 || startedAt === undefined) return []
    return [{ attempt, startedAt, endedAt, owner: undefined, error }]
  }
  const kept = await decodeAttempts(attempts, identity, encoding)
  const last = kept.at(-1)
  const isOpen = last !== undefined && last.attempt === attempt && last.endedAt === undefined
  return isOpen && isTerminalStep(status) ? [...kept.slice(0, -1), { ...last, endedAt, error }] : kept
}

/** An attempt as it is shown. */
export function attemptInfo({ startedAt, endedAt, ...attempt }: PastAttempt): AttemptInfo {
  return { ...attempt, startedAt: new Date(startedAt), endedAt: dateOf(endedAt) }
}

async function decodeAttempts(
  stored: StoredValue,
  identity: ValueIdentity,
  encoding: ValueEncoding,
): Promise<readonly PastAttempt[]> {
  try {
    const list = await encoding.decode(stored, identity)
    return Array.isArray(list) ? list.filter(isAttempt).map(attemptOf) : []
  } catch (error) {
    // It is there for people alone: nothing depends on it.
    if (error instanceof SerializationError) return []
    throw error
  }
}

/** What stands for an error: of its tree what is in the tag, so that whoever reads the row finds name and message; of anything else that was thrown, a text. */
function storedError(error: unknown): unknown {
  const tree = shortErrorTreesOf(error)[0]!()
  return isRecord(tree) && isRecord(tree['$error']) ? tree['$error'] : tree
}

function errorOf(stored: unknown): unknown {
  if (!isRecord(stored)) return stored
  try {
    return valueOfTree({ $error: stored })
  } catch {
    return undefined // Somebody has edited it.
  }
}

function isAttempt(given: unknown): given is Pick<PastAttempt, 'attempt' | 'startedAt'> {
  return isRecord(given) && typeof given['attempt'] === 'number' && typeof given['startedAt'] === 'number'
}

function attemptOf(given: Partial<PastAttempt> & Pick<PastAttempt, 'attempt' | 'startedAt'>): PastAttempt {
  const { attempt, startedAt, endedAt, owner, error } = given
  return { attempt, startedAt, endedAt, owner, error: errorOf(error) }
}

/** The attempts of a record, encoded for another place: no value can be moved there. */
export async function movedAttempts(
  attempts: StoredValue | undefined,
  from: ValueIdentity,
  to: ValueIdentity,
  encoding: ValueEncoding,
): Promise<StoredValue | undefined> {
  return attempts === undefined
    ? undefined
    : encodeAttempts(await decodeAttempts(attempts, from, encoding), to, encoding)
}
