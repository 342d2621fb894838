import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { isRecord } from '../core/is-record.ts'
import { describeThrown } from '../core/thrown.ts'
import type { CliStreams } from './cli-streams.ts'
import { CliError, exitCodes } from './cli-error.ts'
import { readJson } from './read-options.ts'

/**
 * The inputs that `--input` gives, which may be there several times: a whole record as JSON, `@file` or `-` for what is on stdin; or one value as `Type=JSON`,
 * `Type=@file` or `Type=-`. What is no JSON there is a text, unless it begins like JSON. @throws CliError
 */
export async function readInputs(streams: CliStreams, given: readonly string[]): Promise<Record<string, unknown>> {
  const inputs: Record<string, unknown> = {}
  for (const text of given) {
    const [, name, rest = ''] = /^([^{[@"=\s-][^=]*)=([^]*)$/.exec(text) ?? []
    if (name !== undefined) {
      set(inputs, name, await readValue(streams, rest, `--input ${name}`))
      continue
    }
    const record = readJson(await read(streams, text), '--input')
    if (!isRecord(record)) throw new CliError(exitCodes.usage, '--input must be an object of values by their types')
    for (const [key, value] of Object.entries(record)) set(inputs, key, value)
  }
  return inputs
}

/**
 * One value, `what` it is for: JSON, `@file`, or `-` for what is on stdin. What is no JSON is a text, unless it begins like JSON. @throws CliError
 */
export async function readValue(streams: CliStreams, text: string, what: string): Promise<unknown> {
  return text === '-' || text.startsWith('@') ? readJson(await read(streams, text), text) : jsonOrText(text, what)
}

function set(inputs: Record<string, unknown>, name: string, value: unknown): void {
  if (Object.hasOwn(inputs, name)) throw new CliError(exitCodes.usage, `--input gives "${name}" twice`)
  // A key that is `__proto__` is a key like others.
  Object.defineProperty(inputs, name, { value, enumerable: true, configurable: true, writable: true })
}

function jsonOrText(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (!/^\s*[{["]/.test(text)) return text
    // A record whose keys have no quotes would be a text that no schema takes, or that one takes for a name.
    throw new CliError(
      exitCodes.usage,
      `${what} begins like JSON, but is none: ${describeThrown(error)}; a text that begins so is written in quotes, as JSON has it`,
    )
  }
}

async function read(streams: CliStreams, source: string): Promise<string> {
  if (source === '-') {
    let text = ''
    const decoder = new TextDecoder()
    for await (const chunk of streams.stdin)
      text += typeof chunk === 'string' ? chunk : decoder.decode(chunk as Uint8Array, { stream: true })
    return text
  }
  if (!source.startsWith('@')) return source
  const path = resolve(streams.cwd, source.slice(1))
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CliError(exitCodes.notFound, `${path} can’t be read: ${(error as Error).message}`)
  }
}
