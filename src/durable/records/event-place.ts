import { canonicalize, digest } from '../../core/values/keys.ts'
import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { AnyEventType } from '../../core/language/event-type.ts'

type EventName = Pick<AnyEventType, 'name' | 'broadcast'>

/** What an event is found by in its store. */
export function eventIdOf(encoding: ValueEncoding, type: EventName, key: string): string {
  return encoding.resultKey(digest(canonicalize(eventIdentity(type, key))))
}

/** Which event a stored value is of: none can be moved to another one. */
export function eventIdentity({ name, broadcast: { scope } }: EventName, key: string): readonly string[] {
  return ['event', scope, name, key]
}
