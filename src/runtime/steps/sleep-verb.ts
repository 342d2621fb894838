import { describe } from '../../core/check-options.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import { OptionError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import { isDate } from '../../core/is-builtin.ts'
import { fireAt } from '../environment/timers.ts'
import type { Checkpoint } from './checkpoints.ts'
import type { WorkPlace } from './step-work.ts'
import { noWork } from './verb.ts'
import type { Verb, VerbWork } from './verb.ts'

const lastTime = 8.64e15

/** Waits until a time, which is on record once it is known. */
export function beginSleep(
  { clock, context }: Pick<WorkPlace, 'clock' | 'context'>,
  verb: Verb,
  known: Checkpoint | undefined,
  until: number,
): VerbWork {
  const dueAt = known?.dueAt ?? until
  // What is due counts from when it was: others may have come before.
  if (dueAt <= clock.now()) verb.succeed(undefined, dueAt)
  else verb.waits(dueAt, undefined, known !== undefined)
  if (verb.isOver) return noWork
  const timer = fireAt(clock, dueAt, () => context.run(() => verb.succeed(undefined, clock.now())))
  return { stop: () => timer.cancel() }
}

/** When a sleep of this duration is over that begins now. @throws OptionError */
export function endOfSleep(verb: string, duration: unknown, now: number, place: ErrorPlace): number {
  const ms = durationMs(duration)
  if (ms === undefined)
    throw new OptionError(`${verb}: ${describe(duration)} is not a duration; ${durationHint}`, place)
  if (now + ms > lastTime) throw new OptionError(`${verb}: ${describe(duration)} is longer than dates reach`, place)
  return now + ms
}

/** @throws OptionError for what is no time */
export function timeOf(verb: string, at: unknown, place: ErrorPlace): number {
  if (isDate(at) && !Number.isNaN(at.getTime())) return at.getTime()
  throw new OptionError(`${verb} takes a Date, not ${isDate(at) ? 'an invalid one' : describe(at)}`, place)
}
