import type { EventDelivery } from './event-record.ts'
import type { NewMessage } from './message.ts'

/** The message that lets an execution look for an event: the same one however often it is delivered. What the event brings is read where it is kept. */
export function eventMessage({ event, execution, generation }: EventDelivery, at: number): NewMessage {
  return { execution, class: 'data', kind: 'event', id: `${event}:${generation}`, payload: undefined, at }
}

/** The event that such a message is about. */
export function eventOfMessage({ id = '' }: { readonly id?: string | undefined }): string {
  return id.slice(0, Math.max(0, id.lastIndexOf(':')))
}
