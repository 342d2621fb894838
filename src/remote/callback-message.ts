import { isRecord } from '../core/is-record.ts'
import { dataType, type } from '../core/language/data-type.ts'
import type { DataType } from '../core/language/data-type.ts'
import { isSignatureOf, seal, signatureOf, unseal } from './secrets.ts'
import type { Secret } from './secrets.ts'

/** What a callback brings to an execution that waits for another service. */
export interface CallbackMessage {
  /** The request that it is about. */
  readonly request: string
  readonly state: 'completed' | 'failed' | 'cancelled'
  /** The value, where it has completed. */
  readonly value: unknown
  /** What went wrong, where it has not. */
  readonly message: string
  /** Made with the secret of the service that the callback came from: another one's is of no use. */
  readonly proof: string
}

/** The header of a callback that says which step of which execution waits for it. */
export const callHeader = 'docket-call'

/** The step that waits for a callback. */
export interface WaitingPlace {
  readonly executionId: string
  readonly step: string
  readonly item: number | undefined
  readonly request: string
}

/** Messages to one step of a graph. */
export function callbackType(step: string): DataType<string, CallbackMessage> {
  return dataType(`remote:${step}`, type<CallbackMessage>()) as DataType<string, CallbackMessage>
}

/** What the service hands back with its callback: nobody else can make it. */
export function sealedPlace(secret: Secret, place: WaitingPlace): string {
  return seal(secret, 'call', 'callback', place)
}

/** The step that a callback is for, and the secret that its service has; undefined for what was not made here. */
export function unsealedPlace(
  secret: Secret,
  sealed: string,
): (WaitingPlace & { readonly secret: string }) | undefined {
  const opened = unseal(secret, 'call', 'callback', sealed)
  if (opened === undefined) return undefined
  const { executionId, step, item, request } = opened.data
  if (typeof executionId !== 'string' || typeof step !== 'string' || typeof request !== 'string') return undefined
  return { executionId, step, item: typeof item === 'number' ? item : undefined, request, secret: opened.secret }
}

/** A message with its proof. */
export function provenMessage(secret: string, content: Omit<CallbackMessage, 'proof'>): CallbackMessage {
  return { ...content, proof: signatureOf(secret, 'message', partsOf(content)) }
}

/** The message, if it is about this request and was proven with this secret. */
export function messageFor(secret: Secret, given: unknown, request: string): CallbackMessage | undefined {
  if (!isRecord(given) || given['request'] !== request) return undefined
  const message = given as unknown as CallbackMessage
  return isSignatureOf(secret, 'message', partsOf(message), message.proof) ? message : undefined
}

function partsOf({ request, state, value, message }: Omit<CallbackMessage, 'proof'>): readonly string[] {
  return [request, state, JSON.stringify(value) ?? '', message]
}
