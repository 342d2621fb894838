import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

// Every mistake in the fixtures has what the compiler says of it in a comment above its line, to the letter:
//
//   // error at `the place`: the first line of the message
//   //   the lines below it
//
// `node test/types/write-messages.ts` writes them anew.

export const folder = join(import.meta.dirname, 'fixtures')
const compiler = join(import.meta.dirname, '../../node_modules/.bin/tsc')

/** One message of the compiler. */
export interface Message {
  /** From 1. */
  readonly line: number
  /** What the line has at the message's column, as far as it stands there alone. */
  readonly at: string
  readonly text: string
}

/** The fixtures by their names. */
export function fixtures(): ReadonlyMap<string, string> {
  const names = readdirSync(folder).filter((name) => name.endsWith('.ts'))
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
}

/** What the compiler says, by fixture: one program, so that it is fast. */
export function compilerMessages(): ReadonlyMap<string, readonly Message[]> {
  const { stdout, stderr } = spawnSync(compiler, ['-p', folder, '--pretty', 'false', '--checkers', '1'], {
    encoding: 'utf8',
    cwd: folder,
  })
  if (stderr !== '') throw new Error(stderr)
  const sources = fixtures()
  const messages = new Map<string, { line: number; at: string; text: string }[]>()
  let latest: { text: string } | undefined
  for (const row of stdout.split('\n')) {
    const head = /^([\w-]+\.ts)\((\d+),(\d+)\): error TS\d+: (.*)$/.exec(row)
    if (head !== null) {
      const [, file = '', line, column, text = ''] = head
      const at = placeIn(sources.get(file)!.split('\n')[Number(line) - 1]!, Number(column) - 1)
      const message = { line: Number(line), at, text }
      messages.set(file, [...(messages.get(file) ?? []), message])
      latest = message
    } else if (latest !== undefined && row.startsWith(' ')) latest.text += `\n${row}`
  }
  return messages
}

/** The comments that announce messages, each for the next line that is no comment. */
export function announcedIn(source: string): readonly Message[] {
  const lines = source.split('\n')
  return lines.flatMap((line, index) => {
    const head = /^\s*\/\/ error at `(.+?)`: (.*)$/.exec(line)
    if (head === null) return []
    const rest = lines.slice(index + 1)
    const more = rest.slice(
      0,
      rest.findIndex((other) => !continuation.test(other)),
    )
    const text = [head[2]!, ...more.map((other) => continuation.exec(other)![1]!)].join('\n')
    return [{ line: index + 2 + rest.findIndex((other) => !isComment(other)), at: head[1]!, text }]
  })
}

/** A fixture with the comments that it needs. */
export function announced(source: string, messages: readonly Message[]): string {
  const lines = source.split('\n')
  return lines
    .flatMap((line, index) => {
      if (/^\s*\/\/ error at `/.test(line) || continuation.test(line)) return []
      const indent = /^\s*/.exec(line)![0]
      const comments = messages
        .filter((message) => message.line === index + 1)
        .flatMap(({ at, text }) => `error at \`${at}\`: ${text}`.split('\n').map((row) => `${indent}// ${row}`))
      return [...comments, line]
    })
    .join('\n')
}

const continuation = /^\s*\/\/ ( {2}.*)$/

function isComment(line: string): boolean {
  return line.trimStart().startsWith('//')
}

/** As much of the line from the column on as stands nowhere else in it. */
function placeIn(line: string, column: number): string {
  let place = ''
  for (const [token] of line.slice(column).matchAll(/'[^']*'|[\w$]+|\s+|./g)) {
    place += token
    if (token.trim() !== '' && line.indexOf(place) === column && !line.includes(place, column + 1)) break
  }
  return place
}
