import { requireLength } from '../../core/check-length.ts'
import { isName } from '../../core/check-name.ts'
import { checkOptions, describe } from '../../core/check-options.ts'
import type { EmitVerdict } from '../../core/contracts/event-record.ts'
import { durationMs } from '../../core/duration.ts'
import { InputError, OptionError } from '../../core/errors.ts'
import { problemOfDataType } from '../../core/graph/check-step.ts'
import { isEventType } from '../../core/language/event-type.ts'
import type { AnyEventType } from '../../core/language/event-type.ts'
import { encodedValue } from '../../core/values/value-encoding.ts'
import { randomId } from '../../runtime/environment/ids.ts'
import { checkValue, issuesText } from '../../runtime/inputs/check-value.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { eventIdentity, eventIdOf } from '../records/event-place.ts'

/** What a call of `emit` takes besides the value. */
export interface EmitOptions {
  /** The client on which the caller has begun a transaction: the event is emitted if and only if that commits. @default none */
  readonly transaction?: unknown
}

/** @throws OptionError with all problems */
export function checkEmit(type: unknown, key: unknown, options: unknown): asserts type is AnyEventType {
  if (!isEventType(type))
    throw new OptionError(`emit takes an event type, as eventType() makes it, not ${describe(type)}`)
  const problem = problemOfDataType(type)
  if (problem !== undefined) throw new OptionError(`emit: the event ${problem}`)
  if (!isName(key)) throw new OptionError(`emit: the key of an event is a non-empty string, not ${describe(key)}`)
  checkOptions('emit', options, ['transaction'], () => [])
}

/** Stores an event for those that wait for it, or will; `emission`: what makes one that is emitted again the same. @throws as `Docket.emit` does */
export async function emitEvent(
  context: DocketContext,
  type: AnyEventType,
  key: string,
  value: unknown,
  { transaction }: EmitOptions,
  emission?: string,
): Promise<EmitVerdict> {
  const { store } = context.connection
  if (transaction !== undefined && !store.capabilities.transactions)
    throw new OptionError(`emit: the ${store.name} store has no transactions`)
  for (const [what, name] of [
    ['name', type.name],
    ['scope', type.broadcast.scope],
    ['key', key],
  ] as const)
    requireLength(store, 'name', `emit: the ${what} of an event`, name)
  const { emit } = context.interceptors
  const send = (given: unknown): Promise<EmitVerdict> => emitChecked(context, type, key, given, transaction, emission)
  if (emit === undefined) return send(value)
  const { name, broadcast } = type
  const call = { type: name, scope: broadcast.scope, key, value, isInTransaction: transaction !== undefined }
  return emit(call, (passed) => send(passed.value))
}

async function emitChecked(
  context: DocketContext,
  type: AnyEventType,
  key: string,
  value: unknown,
  transaction: unknown,
  emission: string | undefined,
): Promise<EmitVerdict> {
  const { connection, clock, options } = context
  const { store, encoding } = connection
  const checked = await checkValue(type, value)
  if (checked.issues !== undefined) {
    const message = `event "${type.name}" under key "${key}" does not fit: ${issuesText(checked.issues)}`
    throw new InputError('INPUT_INVALID', message, checked.issues, {}, { cause: checked.thrown })
  }
  // Some stores know how they write values, and what time it is, only once they are open.
  await (transaction === undefined ? connection.readyBy() : connection.opened())
  const stored = await encodedValue(encoding, value, eventIdentity(type, key), type.isSensitive === true)
  const at = clock.now()
  const event = {
    id: eventIdOf(encoding, type, key),
    scope: type.broadcast.scope,
    name: type.name,
    key,
    value: stored,
    // It makes the second try of one whose answer was lost the same as the first.
    emission: emission ?? randomId(options.random),
    at,
    expiresAt: at + durationMs(type.broadcast.ttl)!,
  }
  const emit = () => store.emit([event], transaction)
  const [verdict] = allAnswers(
    store,
    'emit',
    [event],
    await (transaction === undefined ? connection.patiently(emit) : emit()),
  )
  if (verdict === 'accepted' && transaction === undefined) context.deliverEvents()
  return verdict!
}
