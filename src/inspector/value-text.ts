import { isBytes } from '../core/is-builtin.ts'
import { describeThrown } from '../core/thrown.ts'
import { valueOfTree } from '../core/values/value-of-tree.ts'
import { treeOf } from '../core/values/value-tree.ts'
import { RequestProblem } from './request-problem.ts'

/** A value as JSON for people; what JSON has no form for is written as text. @throws what `JSON.stringify` throws, and what getters do */
export function valueText(value: unknown): string {
  return JSON.stringify(value, forPeople, 2) ?? String(value)
}

/** A value as JSON in which nothing is lost: what JSON has no form for is tagged, as in `{ "$date": … }`. @throws SerializationError for what is no plain data */
export function typedText(value: unknown): string {
  return JSON.stringify(treeOf(value), undefined, 2)
}

/** The value of such JSON. @throws RequestProblem for tags that nobody knows */
export function typedValue(json: unknown): unknown {
  try {
    return valueOfTree(json)
  } catch (thrown) {
    throw new RequestProblem(400, `it has a tag that is none: ${describeThrown(thrown)}`)
  }
}

function forPeople(this: unknown, _key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (typeof value === 'function' || typeof value === 'symbol') return String(value).slice(0, 100)
  if (value instanceof Map) return { $map: [...value] }
  if (value instanceof Set) return { $set: [...value] }
  if (isBytes(value))
    return { $bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64') }
  if (value instanceof Error) return { name: value.name, message: value.message }
  return value
}

/** The beginning of a text that takes so many bytes at the most, without half a character at its end. */
export function cutToBytes(text: string, mostBytes: number): string {
  if (text.length * 3 <= mostBytes) return text
  const bytes = Buffer.from(text.slice(0, mostBytes))
  if (bytes.length <= mostBytes) return bytes.toString()
  let end = mostBytes
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end).toString()
}
