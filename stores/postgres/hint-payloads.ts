import { hash } from 'node:crypto'
import type { StoreHint } from '../../src/core/contracts/store.ts'
import { answeredBy, textOfAnswered } from '../../src/core/contracts/answered-hint.ts'
import { fromName, toName } from '../sql/names.ts'

/** The channel of a schema's hints. Schemas of one database must not hear each other, and a channel's name is short. */
export function channelOf(schema: string): string {
  return `docket_${hash('sha256', schema).slice(0, 16)}`
}

// The server refuses 8,000 bytes.
const longestPayload = 7_900

/** What is sent for a hint: a letter, and the name it is about. Undefined when that is too long to be sent. */
export function payloadOf(hint: StoreHint): string | undefined {
  const payload = (hint.type === 'events' ? 'v' : hint.type === 'shared' ? 'k' : hint.type[0]!) + toName(nameOf(hint))
  return Buffer.byteLength(payload) <= longestPayload ? payload : undefined
}

/** The hint that was sent; undefined for what nobody here sends. */
export function hintOf(payload: string): StoreHint | undefined {
  const name = fromName(payload.slice(1))
  if (payload.startsWith('r')) return { type: 'result', key: name }
  if (payload.startsWith('e')) return { type: 'ended', execution: name }
  if (payload.startsWith('a')) return answeredBy(name)
  if (payload.startsWith('k')) return { type: 'shared', key: name }
  if (payload.startsWith('m')) return { type: 'mail', owner: name }
  if (payload === 'v') return { type: 'events' }
  if (payload === 's') return { type: 'schedules' }
  return payload === 'w' ? { type: 'work' } : undefined
}

function nameOf(hint: StoreHint): string {
  if (hint.type === 'result') return hint.key
  if (hint.type === 'ended') return hint.execution
  if (hint.type === 'answered') return textOfAnswered(hint)
  if (hint.type === 'shared') return hint.key
  return hint.type === 'mail' ? hint.owner : ''
}
