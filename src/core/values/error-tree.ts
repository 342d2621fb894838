import { inspect } from 'node:util'
import { classNameOf } from '../docket-error.ts'
import { describeThrown, isError } from '../thrown.ts'
import { recordOfTrees, treeOf } from './value-tree.ts'

/** How many errors, lists and records are followed; what is beyond is kept as a text. */
const limits = { depth: 20, parts: 1_000, text: 2_000 } as const
/** The same for an error that takes too much room. */
const shortLimits = { parts: 20, texts: [1_000, 100], undoErrors: 10 } as const

/**
 * The tree of anything that was thrown. Never throws: name, message, stack, causes and the error's own fields are kept, and what
 * is not plain data among them (sockets, functions, cycles) becomes a text that describes it. Read again, an error is an instance of
 * the nearest class of Docket's or of the language's that its own class extends, and has its name.
 */
export function errorTreeOf(thrown: unknown): unknown {
  return new ErrorWriter(undefined).treeOf(thrown, 0)
}

/** The same for an error that takes too much room: texts are cut, and few of its causes and fields are kept. Each takes less room than the one before. */
export function shortErrorTreesOf(thrown: unknown): readonly (() => unknown)[] {
  // What could not be undone has to be found, if only by the names of its steps.
  const texts =
    isError(thrown) && Array.isArray(read(thrown, 'undoErrors')) ? shortLimits.texts : [shortLimits.texts[0]]
  return texts.map((text) => () => new ErrorWriter(text).treeOf(thrown, 0))
}

/** The tree of an error that is too big for the store: without fields and causes, long texts cut. */
export function briefErrorTreeOf(thrown: unknown, why: string): unknown {
  const given = isError(thrown) ? read(thrown, 'name') : undefined
  const name = typeof given === 'string' ? given : 'Error'
  const stack = isError(thrown) ? read(thrown, 'stack') : undefined
  const message = `${cut(describeThrown(thrown))} (${why})`
  return {
    $error: {
      name: cut(name),
      ...(name === 'Error' ? {} : { kind: 'Error' }),
      message,
      ...(typeof stack === 'string' ? { stack: cut(stack) } : {}),
    },
  }
}

class ErrorWriter {
  readonly #open = new Set<object>()
  readonly #maxText: number | undefined
  readonly #maxParts: number
  #parts = 0

  /** `maxText`: how long its texts may be, where it has to be short. */
  constructor(maxText: number | undefined) {
    this.#maxText = maxText
    this.#maxParts = maxText === undefined ? limits.parts : shortLimits.parts
  }

  treeOf(value: unknown, depth: number): unknown {
    if (this.#maxText !== undefined && typeof value === 'string') return cut(value, this.#maxText)
    if (typeof value !== 'object' || value === null) return treeOrText(value)
    if (this.#open.has(value)) return '[circular]'
    if (depth > limits.depth || ++this.#parts > this.#maxParts || (this.#maxText !== undefined && !isError(value)))
      return textOf(value)
    this.#open.add(value)
    try {
      return isError(value) ? this.#errorTree(value, depth) : this.#partTree(value, depth)
    } catch {
      return textOf(value) // a getter or a proxy that throws
    } finally {
      this.#open.delete(value)
    }
  }

  #errorTree(error: Error, depth: number): unknown {
    const kind = classNameOf(error) ?? builtinKindOf(error)
    const name = read(error, 'name')
    const content: Record<string, unknown> = { name: typeof name === 'string' ? name : kind }
    if (content['name'] !== kind) content['kind'] = kind
    for (const key of ['message', 'stack', 'cause', 'errors'] as const) {
      if (Object.prototype.propertyIsEnumerable.call(error, key) && key !== 'cause') continue
      const value = read(error, key)
      if (value !== undefined && value !== '') content[key] = this.treeOf(value, depth + 1)
    }
    const fields = Object.keys(error)
      .filter((key) => key !== 'name' && key !== 'cause')
      .map((key) => [key, read(error, key)] as const)
      .filter(([, value]) => value !== undefined && typeof value !== 'function')
      .map(([key, value]) => [key, this.#fieldTree(key, value, depth + 1)] as const)
    if (fields.length > 0) content['fields'] = recordOfTrees(fields)
    return { $error: content }
  }

  #fieldTree(key: string, value: unknown, depth: number): unknown {
    if (this.#maxText === undefined || key !== 'undoErrors' || !Array.isArray(value)) return this.treeOf(value, depth)
    return value.slice(0, shortLimits.undoErrors).map((error: unknown) => this.treeOf(error, depth))
  }

  /** Data as it is; where errors (or what can't be stored) are among it, part by part. */
  #partTree(value: object, depth: number): unknown {
    try {
      return treeOf(value)
    } catch {
      if (Array.isArray(value)) return value.map((item) => this.treeOf(item, depth + 1))
      const prototype: unknown = Object.getPrototypeOf(value)
      if (prototype !== Object.prototype && prototype !== null) return textOf(value)
      return recordOfTrees(Object.keys(value).map((key) => [key, this.treeOf(read(value, key), depth + 1)]))
    }
  }
}

const builtinKinds = new Set([
  'AggregateError',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
])

/** The built-in class that an error's class extends. */
function builtinKindOf(error: Error): string {
  let prototype: unknown = Object.getPrototypeOf(error)
  for (let i = 0; i < 100 && typeof prototype === 'object' && prototype !== null; i++) {
    const constructor = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value as unknown
    if (typeof constructor === 'function' && builtinKinds.has(constructor.name)) return constructor.name
    prototype = Object.getPrototypeOf(prototype)
  }
  return 'Error'
}

function read(value: object, key: string): unknown {
  try {
    return Reflect.get(value, key)
  } catch (thrown) {
    return `[reading it threw ${describeThrown(thrown)}]`
  }
}

function treeOrText(value: unknown): unknown {
  try {
    return treeOf(value)
  } catch {
    return textOf(value)
  }
}

/** What stands for a value that can't be stored. */
function textOf(value: unknown): string {
  try {
    return cut(inspect(value, { depth: 1, maxArrayLength: 10, maxStringLength: 200 }))
  } catch {
    return describeThrown(value)
  }
}

function cut(text: string, length: number = limits.text): string {
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length - length} more characters were cut)`
}
