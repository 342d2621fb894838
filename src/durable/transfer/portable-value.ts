import type { StoredValue } from '../../core/contracts/stored-value.ts'
import { createValueEncoding } from '../../core/values/value-encoding.ts'
import type { ValueEncoding, ValueIdentity } from '../../core/values/value-encoding.ts'
import { isSealed, opened } from '../../core/values/value-envelope.ts'
import type { ExportedValue } from './exported-execution.ts'

/** As text, whatever a store's own format is, and through no codec. */
const plain = createValueEncoding({ maxBytes: Number.MAX_SAFE_INTEGER })

/** A stored value and what it is: an error, or any other value. */
export interface PlacedValue {
  readonly stored: StoredValue
  readonly identity: ValueIdentity
  readonly isError?: boolean
}

/** A value as any store can take it. @throws SerializationError for one that can't be read */
export async function portable(
  { stored, identity, isError = false }: PlacedValue,
  encoding: ValueEncoding,
  decodes: boolean,
): Promise<ExportedValue> {
  if (!decodes && typeof stored !== 'string' && isSealed(stored)) {
    const { codecs } = opened(stored)
    if (codecs.length > 0) return { closed: 'encoded', codecs, bytes: Buffer.from(stored).toString('base64') }
  }
  if (typeof stored === 'string') {
    // Whether codecs are required, and what is damaged, is judged as for everybody who reads it.
    await encoding.decode(stored, identity)
    return { json: JSON.parse(stored) as unknown }
  }
  const value = await (isError ? encoding.decodeError(stored, identity) : encoding.decode(stored, identity))
  const text = isError ? plain.encodeError(value, identity) : plain.encode(value, identity)
  return { json: JSON.parse(text as string) as unknown }
}

/** What a store is to keep of it, in the same place. Undefined where it is closed. @throws SerializationError */
export async function storedOf(
  value: ExportedValue,
  { identity, isError = false }: Omit<PlacedValue, 'stored'>,
  encoding: ValueEncoding,
): Promise<StoredValue | undefined> {
  if ('json' in value) {
    const text = JSON.stringify(value.json)
    if (isError) return encoding.encodeError(plain.decodeError(text, identity), identity)
    return encoding.encode(await plain.decode(text, identity), identity)
  }
  if (value.closed === 'sensitive') return undefined
  const bytes = Uint8Array.from(Buffer.from(value.bytes, 'base64'))
  const decoded = await encoding.decode(bytes, identity)
  return isError ? encoding.encodeError(decoded, identity) : encoding.encode(decoded, identity)
}

/** A value as it stands in an exported document. @throws SerializationError */
export function jsonOf(value: unknown): unknown {
  return JSON.parse(plain.encode(value, ['given']) as string) as unknown
}
