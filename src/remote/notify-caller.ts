import { NonRetryableError } from '../core/errors.ts'
import { isRecord } from '../core/is-record.ts'
import { bodyOfOutcome, stateNames } from './answers.ts'
import type { CallbackHosts } from './callback-hosts.ts'
import { InnerAddressError, postCallback } from './post-callback.ts'
import { seal, signatureOf, unseal } from './secrets.ts'
import type { Secret } from './secrets.ts'
import type { Notify } from './served-graph.ts'

/** The header of an execution under which it keeps where its outcome is to go: only the service itself can read it. */
export const callbackHeader = 'docket-callback'

/** Where an outcome is to go. */
export interface Callback {
  readonly url: string
  /** Handed back as they came. */
  readonly headers: Readonly<Record<string, string>>
  readonly caller: string
  /** What the caller calls its request. */
  readonly request: string
}

/** A callback as an execution keeps it. */
export function keptCallback(secret: Secret, executionId: string, callback: Callback): string {
  return `${encodeURIComponent(callback.caller)}.${seal(secret, 'callback', executionId, callback)}`
}

/** What callbacks are made with. */
export interface NotifyOptions {
  readonly hosts: CallbackHosts
  readonly secretOf: (caller: string) => Secret | undefined
  /** Whether the caller of an execution has its outcome already, once that is known. */
  readonly isAnswered: (executionId: string) => Promise<boolean>
}

const timeoutMs = 30_000
/** The caller knows of no such request, or of none any more. */
const goneStatuses: ReadonlySet<number> = new Set([404, 410])

/** Posts outcomes to where callers want them. */
export function notifyCaller({ hosts, secretOf, isAnswered }: NotifyOptions): Notify {
  return async (executionId, headers, outcome, signal) => {
    const callback = callbackOf(secretOf, executionId, headers[callbackHeader])
    if (callback === undefined) return 'no callback'
    if (await isAnswered(executionId)) return 'answered'
    const { secret, url: address, headers: handedBack, request } = callback
    // The list may have become shorter since.
    const verdict = hosts.verdict(address)
    if ('refusal' in verdict) throw new NonRetryableError(verdict.refusal)
    const body = bodyOfOutcome(outcome)
    const state = stateNames[outcome.state]
    const id = `${request}:${state}`
    const timestamp = String(Math.floor(Date.now() / 1_000))
    const status = await postCallback({
      ...verdict,
      body,
      timeoutMs,
      signal,
      headers: {
        ...handedBack,
        'content-type': 'application/json',
        'nexus-operation-state': state,
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        'webhook-signature': signatureOf(secret, 'signature', [id, timestamp, body]),
      },
    }).catch((error: unknown) => {
      throw error instanceof InnerAddressError ? new NonRetryableError(error.message, { cause: error }) : error
    })
    if (status >= 200 && status < 300) return 'notified'
    if (goneStatuses.has(status)) throw new NonRetryableError(`the caller answered its callback with ${status}`)
    throw new Error(`the caller answered its callback with ${status}`)
  }
}

function callbackOf(
  secretOf: NotifyOptions['secretOf'],
  executionId: string,
  kept: string | undefined,
): (Callback & { readonly secret: Secret }) | undefined {
  const [caller = '', sealed = ''] = (kept ?? '').split('.')
  const secret = kept === undefined ? undefined : secretOf(decodeURIComponent(caller))
  // Children have the header too, and it is not theirs.
  const opened = secret === undefined ? undefined : unseal(secret, 'callback', executionId, sealed)
  if (secret === undefined || opened === undefined || !isRecord(opened.data['headers'])) return undefined
  return { ...(opened.data as unknown as Callback), secret }
}
