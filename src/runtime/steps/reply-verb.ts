import type { UpdateRef } from '../../core/contracts/update-message.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { isUpdateType } from '../../core/language/update.ts'
import type { AnyUpdateType } from '../../core/language/update.ts'
import type { Inbox } from './inbox.ts'
import { checkValue } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import type { UpdateAnswer } from './checkpoints.ts'
import { outputError } from './output-error.ts'
import type { WorkingStep } from './step-work.ts'
import { noWork } from './verb.ts'
import type { Verb, VerbWork } from './verb.ts'
import { isPromise } from '../../core/own-promise.ts'

/** Answers an update: the answer is on record with the verb, or not at all. */
export function beginReply(
  step: WorkingStep,
  verb: Verb,
  type: AnyUpdateType,
  { update, outcome }: UpdateAnswer,
): VerbWork {
  const { clock } = step.execution
  const answer = (given: UpdateAnswer['outcome']): void =>
    verb.succeed(undefined, clock.now(), { answer: { update, outcome: given } })
  const settle = (checked: CheckedValue): void => {
    if (checked.issues === undefined) return answer({ value: checked.value })
    const what = `step "${step.step}" answered an update with a value that does not fit the output of "${type.name}"`
    verb.fail(outputError(step, what, checked.issues, checked.thrown), clock.now())
  }
  if ('error' in outcome) answer(outcome)
  else {
    const checked = checkValue(type.result, outcome.value)
    if (isPromise(checked)) void checked.then(settle)
    else settle(checked)
  }
  return noWork
}

/** A message as it is on record of a durable function. */
interface ReceivedMessage {
  readonly type: string
  readonly value: unknown
  readonly update?: UpdateRef | undefined
}

/** How an update that was taken is answered. */
interface Answering {
  /** The types that were waited for. */
  readonly wanted: readonly AnyDataType[]
  readonly inbox: Inbox | undefined
  reply(type: AnyUpdateType, answer: UpdateAnswer): Promise<unknown>
  refuse(message: string): Promise<never>
}

/** What was taken, with what answers it where it is an update. */
export function answerableOf(taken: Promise<unknown>, answering: Answering): Promise<never> {
  const message = taken.then((came) => answerable(came as ReceivedMessage, answering))
  // Whoever lets go of it must not end the process by that.
  message.catch(() => {})
  return message as Promise<never>
}

/** Of an update that came in another way nobody waits for an answer. */
function answerable(message: ReceivedMessage, { wanted, inbox, reply, refuse }: Answering): object {
  const { type, value, update } = message
  const own = wanted.find(({ name }) => name === type)
  if (own === undefined || !isUpdateType(own)) return message
  if (update !== undefined) inbox?.reclaim?.(update)
  let isAnswered = false
  const answer = (outcome: UpdateAnswer['outcome']): Promise<unknown> => {
    if (isAnswered) return refuse(`update "${type}" is answered a second time; reply or fail it once`)
    isAnswered = true
    if (update === undefined) return Promise.resolve()
    const replied = reply(own, { update, outcome })
    // An answer that does not fit is none.
    replied.catch(() => void (isAnswered = false))
    return replied
  }
  return {
    type,
    value,
    reply: (given: unknown) => answer({ value: given }),
    fail: (error: unknown) => answer({ error }),
  }
}
