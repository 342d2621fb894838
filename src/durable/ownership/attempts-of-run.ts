import type { StoredValue } from '../../core/contracts/stored-value.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import { isLast } from '../../runtime/execution/past-attempts.ts'
import type { StepRun } from '../../runtime/execution/step-run.ts'
import { encodeAttempts } from '../records/attempt-history.ts'
import { identityOf } from './record-of-run.ts'

/**
 * What is written of a step's attempts: nothing for one that was tried once, or not yet, whose record says all of it. `attempt`: the number that is about to be
 * on record, of one that is announced before it begins.
 */
export function attemptsOfRun(
  run: StepRun,
  executionId: string,
  encoding: ValueEncoding,
  owner: string,
  attempt = run.attempt,
): StoredValue | undefined | Promise<StoredValue | undefined> {
  const past = run.extras?.pastAttempts
  if (past === undefined) return undefined
  const startedAt = attempt === run.attempt ? run.attemptStartedAt : run.execution.clock.now()
  // One that waits for the next one has ended, and one that was restored has not begun here.
  const isKnown = isLast(past, attempt, startedAt) || startedAt === 0 || attempt === 0
  const current = { attempt, startedAt, endedAt: undefined, owner, error: undefined }
  return encodeAttempts(isKnown ? past : [...past, current], identityOf(executionId, run, 'attempts'), encoding)
}
