import type { NewMessage } from './message.ts'
import type { StoredValue } from './stored-value.ts'

/** Which place of an execution's mailbox a stored signal's value is encoded for. */
export function signalIdentity(execution: string, type: string): readonly string[] {
  return ['signal', execution, type]
}

/** The message that brings an execution the value of a data type: one for each type has an effect. */
export function signalMessage(
  execution: string,
  type: string,
  content: { readonly id: string; readonly payload: StoredValue; readonly at: number },
): NewMessage {
  return { execution, class: 'data', kind: 'signal', slot: type, ...content }
}
