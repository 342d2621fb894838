import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import { checkpointIdentity } from '../../core/contracts/checkpoint-record.ts'
import { answerPlace } from '../../core/contracts/update-message.ts'
import type { StoredAnswer } from '../../core/contracts/update-message.ts'
import type { AnyUpdateType } from '../../core/language/update.ts'
import { ExecutionConflictError } from '../../core/errors.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import { UpdateError } from '../../core/update-error.ts'
import { pauseBeforeLook } from '../context/look-again.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { checkpointBeside } from '../records/checkpoint-beside.ts'
import { detachedError, isDetached } from '../records/graph-hash.ts'
import { noSuchExecution } from '../records/execution-info.ts'
import type { AnswerWatch } from './answer-watch.ts'

/** An update that was sent. */
export interface SentUpdate {
  readonly executionId: string
  readonly type: AnyUpdateType
  readonly id: string
  readonly name: string
  readonly digest: string
  /** Whether nobody can have sent it before. */
  readonly isFirst: boolean
  readonly place: {
    readonly executionId: string
    readonly graph: string | undefined
    readonly item: number | undefined
  }
}

const firstPollMs = 5
/** Where the store sends a hint when there is an answer: this is for one that is lost. */
const firstPollBesideHintsMs = 50
const longestPollMs = 500

/** Waits for the answer to an update, in whatever process it is given. @throws as `ExecutionHandle.update` does */
export async function awaitAnswer(
  context: DocketContext,
  sent: SentUpdate,
  until: number,
  watch: AnswerWatch,
): Promise<unknown> {
  const { clock, connection } = context
  const { executionId } = sent
  // One that was sent before, under the same id, may have been answered before it was watched for.
  let isRead = sent.isFirst
  // Nobody can have answered what has just been sent.
  let isNew = sent.isFirst
  const firstMs = connection.hasHints ? firstPollBesideHintsMs : firstPollMs
  for (let pauseMs = firstMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPollMs)) {
    if (watch.follow()) isRead = false
    if (watch.answer !== undefined) return outcomeOf(connection.encoding, sent, watch.answer)
    const hinted = watch.takeHint() ? await readAnswer(context, sent) : undefined
    if (hinted !== undefined) return hinted()
    // What lives here is answered here.
    if (watch.isHere && isRead) pauseMs = longestPollMs
    else if (isNew) isNew = false
    else {
      isRead = true
      const [answer, record] = await Promise.all([readAnswer(context, sent), context.recordOf(executionId)])
      if (answer !== undefined) return answer()
      if (record === undefined) throw noSuchExecution(executionId)
      if (isTerminal(record.status)) {
        // It may have been answered since the look before.
        const last = await readAnswer(context, sent)
        if (last !== undefined) return last()
        // It goes on elsewhere, and may answer there.
        throw isDetached(record) ? detachedError(record) : ended(sent)
      }
    }
    const leftMs = until - clock.elapsed()
    if (leftMs <= 0) throw notInTime(sent)
    if (context.handOver.hasBegun) throw context.closedWhileWaiting({ id: executionId })
    const endsHere = !context.owned.has(executionId)
    const listen = (done: () => void): (() => void) => watch.onNews(done)
    if (watch.answer === undefined && !watch.hasHint)
      await pauseBeforeLook(context, executionId, Math.min(pauseMs, leftMs), { listen, endsHere })
  }
}

/** What an update was answered with, to be read; undefined as long as it is not. @throws ExecutionConflictError where the answer is to another value */
export async function readAnswer(
  { connection }: DocketContext,
  sent: SentUpdate,
): Promise<(() => Promise<unknown>) | undefined> {
  const { store } = connection
  const { executionId, name } = sent
  const record = await connection.patiently(() => checkpointBeside(store, executionId, answerPlace(name)))
  return record && (() => outcomeOf(connection.encoding, sent, record))
}

async function outcomeOf(
  encoding: DocketContext['connection']['encoding'],
  sent: SentUpdate,
  { kind, value, error }: CheckpointRecord,
): Promise<unknown> {
  const { executionId, name, type, id, place } = sent
  if (kind === 'ended') throw ended(sent)
  const key = answerPlace(name)
  const stored =
    value === undefined
      ? undefined
      : ((await encoding.decode(value, checkpointIdentity(executionId, key))) as StoredAnswer)
  if (stored !== undefined && stored.digest !== sent.digest) throw conflict(sent)
  if (error === undefined) return stored?.value
  const cause = await encoding.decodeError(error, checkpointIdentity(executionId, key, 'error'))
  const why = cause instanceof Error ? `: ${cause.message}` : ''
  throw kind === 'rejected'
    ? new UpdateError('UPDATE_REJECTED', `update "${type.name}" was rejected${why}`, id, place, { cause })
    : new UpdateError('UPDATE_FAILED', `update "${type.name}" failed${why}`, id, place, { cause })
}

function ended({ type, executionId, id, place }: SentUpdate): UpdateError {
  const what = `execution "${executionId}", or its step that receives update "${type.name}", ended before it was answered`
  return new UpdateError('UPDATE_ENDED', what, id, place)
}

/** There is no answer within the time that the call has. */
export function notInTime({ type, executionId, id, place }: SentUpdate): UpdateError {
  const what = `no answer to update "${type.name}" of execution "${executionId}" came in time; it may still come: send it again under the id "${id}"`
  return new UpdateError('UPDATE_TIMEOUT', what, id, place)
}

/** Another value was sent under the same id. */
export function conflict({ executionId, type, id }: Pick<SentUpdate, 'executionId' | 'type' | 'id'>): Error {
  return new ExecutionConflictError(
    `update "${type.name}" of execution "${executionId}" was sent before under the id "${id}" with another value; use another id, or send the same value`,
    { executionId },
  )
}
