import type { Message } from '../../core/contracts/message.ts'
import { placeOfMessage, signalIdentity } from '../../core/contracts/signal-message.ts'
import { moveIdentity } from '../../core/contracts/timer-message.ts'
import type { ValueIdentity } from '../../core/values/value-encoding.ts'

/** Which place what a message brings is encoded for. */
export function messageIdentity(message: Pick<Message, 'execution' | 'kind' | 'slot' | 'id'>): ValueIdentity {
  const place = placeOfMessage(message)
  if (place !== undefined) return signalIdentity(message.execution, place)
  return message.kind === 'reschedule' ? moveIdentity(message.execution) : ['message', message.execution]
}
