import { OptionError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { fireAt } from '../environment/timers.ts'
import type { Checkpoint } from './checkpoints.ts'
import type { Inbox } from './inbox.ts'
import type { WorkPlace } from './step-work.ts'
import type { ReturnedMessages } from './returned-messages.ts'
import { noWork } from './verb.ts'
import type { Verb, VerbWork } from './verb.ts'

/** Which messages a function waits for, and how long. */
export interface ReceiveRequest {
  readonly types: readonly string[]
  /** When the wait is over at the latest; undefined for never. */
  readonly until: number | undefined
  readonly place: ErrorPlace
  /** Messages that come again. */
  readonly returned: ReturnedMessages
}

/** What a wait comes to whose time is over. */
export const timedOut = Object.freeze({ timedOut: true })

/** Waits for the first message of some types. What came in time counts, however late somebody looks. */
export function beginReceive(
  { clock, context, setup: { inbox } }: WorkPlace,
  verb: Verb,
  known: Checkpoint | undefined,
  { types, until, place, returned }: ReceiveRequest,
): VerbWork {
  const dueAt = known?.dueAt ?? until
  let hasTaken = false
  // Its outcome may wait for those of others: it takes one message all the same.
  const look = (): boolean => {
    if (!verb.isOver && !hasTaken)
      hasTaken = takeAgain(returned, verb, types) || (inbox !== undefined && take(inbox, verb, types, dueAt))
    return hasTaken
  }
  if (look()) return noWork
  if (dueAt !== undefined && dueAt <= clock.now()) {
    verb.timeOut(timedOut, dueAt)
    return noWork
  }
  if ((inbox === undefined || inbox.isComplete) && dueAt === undefined) {
    verb.fail(refusal(types, place), clock.now())
    return noWork
  }
  verb.waits(dueAt, undefined, known !== undefined)
  const stopListening = inbox?.onMessage(() => context.run(look))
  const timer =
    dueAt === undefined ? undefined : fireAt(clock, dueAt, () => context.run(() => verb.timeOut(timedOut, dueAt)))
  return {
    stop: () => {
      stopListening?.()
      timer?.cancel()
    },
  }
}

/** What came before, and was taken by what does not count any more. */
function takeAgain(returned: ReturnedMessages, verb: Verb, types: readonly string[]): boolean {
  const message = returned.take(types)
  if (message === undefined) return false
  verb.succeed(message.value, message.at, { dropped: [message.name] })
  return true
}

function take(inbox: Inbox, verb: Verb, types: readonly string[], dueAt: number | undefined): boolean {
  const message = inbox.next(types)
  if (message === undefined || (dueAt !== undefined && message.at > dueAt)) return false
  const { type, value, at, message: seq, update } = message
  message.take()
  // An update is consumed when it is answered.
  if (update !== undefined) verb.succeed({ type, value, update }, at)
  else verb.succeed({ type, value }, at, seq === undefined ? undefined : { consumed: [seq] })
  return true
}

function refusal(types: readonly string[], place: ErrorPlace): OptionError {
  const names = types.map((type) => `"${type}"`).join(' or ')
  return new OptionError(
    `step "${place.step}" waits for a message ${names}, and none can come any more: run the graph as an actor, createActor(fromGraph(…)), give messages with the call, { signals: { ${types[0]}: [ … ] } }, or start it in a docket and send them there`,
    place,
  )
}
