import assert from 'node:assert/strict'
import type { StoredValue } from '../../core/contracts/stored-value.ts'

/**
 * Records are equal if their fields are; a field that is `undefined` may be missing, and bytes may be a Buffer. Texts of JSON are
 * equal if they say the same, property order included.
 */
export function assertSame(actual: unknown, expected: unknown, message?: string): void {
  assert.deepEqual(plain(actual), plain(expected), message)
}

export function assertSameValue(actual: StoredValue | undefined, expected: StoredValue | undefined): void {
  if (typeof actual === 'string' && typeof expected === 'string') {
    // A store may write JSON in its own way, but not change what it says.
    if (actual !== expected) assert.equal(JSON.stringify(JSON.parse(actual)), JSON.stringify(JSON.parse(expected)))
  } else if (actual instanceof Uint8Array && expected instanceof Uint8Array) {
    assert.equal(Buffer.from(actual).equals(Buffer.from(expected)), true, 'other bytes')
  } else assert.equal(describe(actual), describe(expected))
}

/** A StoreError, whichever copy of the package it comes from. */
export async function assertStoreError(call: Promise<unknown> | (() => Promise<unknown>)): Promise<boolean> {
  const [outcome] = await Promise.allSettled([typeof call === 'function' ? call() : call])
  assert.ok(outcome.status === 'rejected', 'it was not refused')
  const error: unknown = outcome.reason
  assert.ok(error instanceof Error, 'what was thrown is no error')
  const { code, isTransient } = error as Error & { readonly code?: unknown; readonly isTransient?: unknown }
  assert.equal(code, 'STORE_FAILED', `no StoreError: ${error.stack}`)
  assert.equal(typeof isTransient, 'boolean', 'the error does not say whether trying again can help')
  return isTransient === true
}

const jsonFields = new Set(['inputs', 'output', 'error', 'payload'])

function plain(value: unknown, name = ''): unknown {
  if (jsonFields.has(name) && typeof value === 'string') return { json: JSON.stringify(JSON.parse(value)) }
  if (value instanceof Uint8Array) return { bytes: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map((element) => plain(element))
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(fields.map(([field, of]) => [field, plain(of, field)]))
}

function describe(value: StoredValue | undefined): string {
  if (value === undefined) return 'undefined'
  return typeof value === 'string' ? `text ${value.slice(0, 200)}` : `${value.length} bytes`
}
