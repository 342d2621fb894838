import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import { checkpointIdentity } from '../../core/contracts/checkpoint-record.ts'
import { answerPlace, answerRecord } from '../../core/contracts/update-message.ts'
import type { AnswerKind, StoredAnswer } from '../../core/contracts/update-message.ts'
import type { UpdateAnswer } from '../../runtime/steps/checkpoints.ts'
import type { StoreConnection } from '../../runtime/store-access/store-connection.ts'
import { isPromise } from '../../core/own-promise.ts'

/** The record of what an update of an execution is answered with, or refused for. @throws SerializationError, as a rejection too */
export function encodedAnswer(
  { encoding }: Pick<StoreConnection, 'encoding'>,
  execution: string,
  { update, outcome }: UpdateAnswer,
  at: number,
  kind: AnswerKind = 'answer',
): CheckpointRecord | Promise<CheckpointRecord> {
  const { name, digest } = update
  const place = answerPlace(name)
  const isFailure = 'error' in outcome
  const answered: StoredAnswer = isFailure ? { digest } : { digest, value: outcome.value }
  const value = encoding.encode(answered, checkpointIdentity(execution, place))
  const error = isFailure
    ? encoding.encodeError(outcome.error, checkpointIdentity(execution, place, 'error'))
    : undefined
  if (!isPromise(value) && !isPromise(error)) return answerRecord(name, kind, at, { value, error })
  return Promise.all([value, error]).then(([value, error]) => answerRecord(name, kind, at, { value, error }))
}
