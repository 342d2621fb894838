import { signalSlot } from '../contracts/signal-message.ts'
import type { AnyDataType } from '../language/data-type.ts'
import { firstNameOf } from './former-names.ts'

/** The slot of the signals of a type: it is made of the first name that the type had, so that whoever sends one takes the same slot, whatever the type is called there. */
export function signalSlotOf(type: AnyDataType, item?: number): string {
  return signalSlot({ type: firstNameOf(type), item })
}
