import { OptionError } from '../../core/errors.ts'
import type { ErrorPlace } from '../../core/docket-error.ts'
import type { AnyEventType } from '../../core/language/event-type.ts'
import { fireAt } from '../environment/timers.ts'
import type { Checkpoint } from './checkpoints.ts'
import type { EventPlace } from './events.ts'
import { timedOut } from './receive-verb.ts'
import type { WorkPlace } from './step-work.ts'
import { noWork } from './verb.ts'
import type { Verb, VerbWork } from './verb.ts'

/** Which event a function waits for, and how long. */
export interface WaitForRequest {
  readonly type: AnyEventType
  readonly key: string
  /** When the wait is over at the latest; undefined for never. */
  readonly until: number | undefined
  readonly place: ErrorPlace
}

/** Waits for an event under a key. One that was emitted in time counts, however late somebody looks. */
export function beginWaitFor(
  execution: WorkPlace,
  verb: Verb,
  known: Checkpoint | undefined,
  { type, key, until, place }: WaitForRequest,
): VerbWork {
  const { clock, context, setup } = execution
  const { events } = setup
  if (events === undefined) {
    verb.fail(refusal(type, place), clock.now())
    return noWork
  }
  const dueAt = known?.dueAt ?? until
  const spec: EventPlace = { name: `${place.step}/${verb.name}`, step: { event: type } }
  const leave = (): void => {
    // What goes on elsewhere waits on.
    if (execution.released === undefined) events.leave(spec)
  }
  verb.waits(dueAt, undefined, known !== undefined)
  const looked = events.await(spec, key, {
    come: (value, at) =>
      context.run(() => {
        if (dueAt === undefined || at <= dueAt) verb.succeed({ type: type.name, value }, at)
      }),
    failed: (error) => context.run(() => verb.fail(error, clock.now())),
  })
  verb.promise.then(leave, leave)
  const timeOut = (): void => verb.timeOut(timedOut, dueAt!)
  let timer: { cancel(): void } | undefined
  const arm = (): void => {
    if (dueAt === undefined || verb.isOver) return
    if (dueAt <= clock.now()) timeOut()
    else timer = fireAt(clock, dueAt, () => context.run(timeOut))
  }
  // Only then is it known whether one came in time.
  const armed = looked === undefined ? arm() : looked.then(() => context.run(arm))
  return {
    looked: armed ?? undefined,
    stop: (reason) => {
      timer?.cancel()
      if (reason !== undefined) leave()
    },
  }
}

/** Emits an event, once however often it is tried. */
export function beginEmit(
  { clock, context, setup }: WorkPlace,
  verb: Verb,
  {
    type,
    key,
    value,
    emission,
    place,
  }: Omit<WaitForRequest, 'until'> & {
    readonly value: unknown
    readonly emission: string
  },
): VerbWork {
  if (setup.emit === undefined) {
    verb.fail(refusal(type, place), clock.now())
    return noWork
  }
  try {
    setup.emit(type, key, value, emission).then(
      (verdict) => context.run(() => verb.succeed(verdict, clock.now())),
      (error: unknown) => context.run(() => verb.fail(error, clock.now())),
    )
  } catch (error) {
    verb.fail(error, clock.now())
  }
  return noWork
}

function refusal({ name }: AnyEventType, place: ErrorPlace): OptionError {
  return new OptionError(
    `step "${place.step}" uses the event "${name}", and events come to a docket alone: start the graph there, with createDocket({ graphs, store })`,
    place,
  )
}
