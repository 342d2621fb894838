import { isDeepStrictEqual } from 'node:util'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { isRecord } from '../../core/is-record.ts'
import { readOf } from '../../core/thrown.ts'

/**
 * Whether a data type's schema may make something else of a value than it was given, so that what it has made need not fit it. Libraries that give JSON Schemas of their
 * schemas say; of others, and of what JSON Schema can't say, it is not known, and so they may.
 */
export function mayConvert({ schema }: AnyDataType): boolean {
  if (schema === undefined) return false
  const given = jsonSchemaOf(schema, 'input')
  return given === undefined || !isDeepStrictEqual(given, jsonSchemaOf(schema, 'output'))
}

function jsonSchemaOf(schema: object, side: 'input' | 'output'): unknown {
  const jsonSchema = readOf(readOf(schema, '~standard'), 'jsonSchema')
  const of = readOf(jsonSchema, side)
  if (typeof of !== 'function') return undefined
  try {
    return shapeOf(Reflect.apply(of, jsonSchema, [{ target: 'draft-2020-12' }]))
  } catch {
    return undefined // it has something that JSON Schema can't say
  }
}

// What is filled in, or left out, stays as it is when it is looked at again.
const filledIn: ReadonlySet<string> = new Set(['required', 'additionalProperties', 'default'])

/** A JSON Schema without what differs where nothing is converted. */
function shapeOf(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(shapeOf)
  if (!isRecord(schema)) return schema
  const entries = Object.entries(schema)
  return Object.fromEntries(
    entries.flatMap(([key, value]) =>
      filledIn.has(key) && !isRecord(value) ? [] : [[key, key === 'properties' ? shapesOf(value) : shapeOf(value)]],
    ),
  )
}

/** Properties may be called as keywords are. */
function shapesOf(properties: unknown): unknown {
  if (!isRecord(properties)) return properties
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, shapeOf(schema)]))
}
