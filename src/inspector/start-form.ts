import { isRecord } from '../core/is-record.ts'
import { readOf } from '../core/thrown.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import type { ExecutionPlan } from '../durable/execution-plan.ts'
import { defined } from './defined.ts'
import type { StartForm } from './protocol.ts'

/** What has to be given to make a target, each with an example made from its schema, where that can say what it takes. */
export function startFormOf({ leaves }: ExecutionPlan): StartForm {
  return {
    inputs: leaves.map(({ type, isRequired }) =>
      defined<StartForm['inputs'][number]>({
        type: type.name,
        isOptional: !isRequired,
        example: exampleOf(type),
      }),
    ),
  }
}

/** By the JSON Schema that newer libraries give of their schemas; undefined where this one gives none. */
function exampleOf({ schema }: AnyDataType): unknown {
  const standard = readOf(schema, '~standard')
  const jsonSchema = readOf(standard, 'jsonSchema')
  const input = readOf(jsonSchema, 'input')
  if (typeof input !== 'function') return undefined
  try {
    const given: unknown = Reflect.apply(input, jsonSchema, [{ target: 'draft-2020-12' }])
    return isRecord(given) ? exampleFor(given, given, 0) : undefined
  } catch {
    return undefined // it has something that JSON Schema can't say
  }
}

const deepest = 8

function exampleFor(
  schema: Readonly<Record<string, unknown>>,
  root: Readonly<Record<string, unknown>>,
  depth: number,
): unknown {
  if (depth > deepest) return null
  for (const key of ['default', 'const'] as const) if (Object.hasOwn(schema, key)) return schema[key]
  const [example] = listOf(schema['examples'])
  if (example !== undefined) return example
  const [choice] = listOf(schema['enum'])
  if (choice !== undefined) return choice
  const reference = schema['$ref']
  if (typeof reference === 'string') return followed(reference, root, depth)
  for (const key of ['anyOf', 'oneOf', 'allOf'] as const) {
    const [first] = listOf(schema[key])
    if (isRecord(first)) return exampleFor(first, root, depth + 1)
  }
  const type = Array.isArray(schema['type']) ? (schema['type'] as readonly unknown[])[0] : schema['type']
  if (type === 'object') return exampleObject(schema, root, depth)
  if (type === 'array') return isRecord(schema['items']) ? [exampleFor(schema['items'], root, depth + 1)] : []
  if (type === 'integer' || type === 'number') return typeof schema['minimum'] === 'number' ? schema['minimum'] : 0
  if (type === 'boolean') return false
  return type === 'string' ? exampleText(schema['format']) : null
}

function exampleObject(
  { properties, required }: Readonly<Record<string, unknown>>,
  root: Readonly<Record<string, unknown>>,
  depth: number,
): unknown {
  const needed = new Set(listOf(required))
  const known = isRecord(properties) ? Object.entries(properties) : []
  const shown = known.filter(
    ([key, value]) => isRecord(value) && key !== '__proto__' && (needed.has(key) || known.length <= 20),
  )
  return Object.fromEntries(
    shown.map(([key, value]) => [key, exampleFor(value as Record<string, unknown>, root, depth + 1)]),
  )
}

function followed(reference: string, root: Readonly<Record<string, unknown>>, depth: number): unknown {
  let found: unknown = root
  for (const part of reference.split('/').slice(1))
    found = isRecord(found) && Object.hasOwn(found, part) ? found[part] : undefined
  return isRecord(found) ? exampleFor(found, root, depth + 1) : null
}

function exampleText(format: unknown): string {
  const examples: Readonly<Record<string, string>> = {
    'date-time': '2026-01-01T00:00:00Z',
    date: '2026-01-01',
    email: 'ada@example.com',
    uri: 'https://example.com/',
    uuid: '00000000-0000-4000-8000-000000000000',
  }
  return typeof format === 'string' && Object.hasOwn(examples, format) ? examples[format]! : ''
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : []
}
