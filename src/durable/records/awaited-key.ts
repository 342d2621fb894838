import { isRecord } from '../../core/is-record.ts'

/** What is stored in the place of the value of a step that waits for an event. */
export function storedKey(awaitedKey: string): { readonly key: string } {
  return { key: awaitedKey }
}

/** The key under which a step waits for an event, of what is stored in the place of its value; undefined where that is something else. */
export function awaitedKeyOf(stored: unknown): string | undefined {
  if (!isRecord(stored) || 'port' in stored || typeof stored['key'] !== 'string') return undefined
  return stored['key']
}
