import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

// Every line of the fixtures that must not compile has a comment `// error: <part of the message>` above it. One run of
// the compiler checks them all; what must compile stands in the same files without such a comment.

const folder = join(import.meta.dirname, 'fixtures')
const compiler = join(import.meta.dirname, '../../node_modules/.bin/tsc')

interface Diagnostic {
  readonly line: number
  readonly text: string
}

/** What the compiler says, by fixture; continuation lines belong to the diagnostic before them. */
function diagnosticsOf(output: string): ReadonlyMap<string, readonly Diagnostic[]> {
  const diagnostics = new Map<string, { line: number; text: string }[]>()
  let latest: { line: number; text: string } | undefined
  for (const line of output.split('\n')) {
    const head = /^([\w-]+\.ts)\((\d+),\d+\): error (.*)$/.exec(line)
    if (head !== null) {
      latest = { line: Number(head[2]), text: head[3]! }
      diagnostics.set(head[1]!, [...(diagnostics.get(head[1]!) ?? []), latest])
    } else if (latest !== undefined && line.startsWith(' ')) latest.text += `\n${line}`
  }
  return diagnostics
}

/** What the comments of a fixture announce: each for the next line that is no comment. */
function announcedIn(source: string): readonly Diagnostic[] {
  const lines = source.split('\n')
  return lines.flatMap((line, index) => {
    const text = /^\s*\/\/ error: (.*)$/.exec(line)?.[1]
    if (text === undefined) return []
    const next = lines.findIndex((other, at) => at > index && !other.trimStart().startsWith('//'))
    return [{ line: next + 1, text }]
  })
}

const run = spawnSync(compiler, ['-p', folder, '--pretty', 'false', '--noErrorTruncation'], {
  encoding: 'utf8',
  cwd: folder,
})
const told = diagnosticsOf(run.stdout)
const fixtures = readdirSync(folder).filter((file) => file.endsWith('.ts'))

test('the compiler ran over the fixtures', () => {
  expect(run.stderr).toBe('')
  expect(fixtures.length).toBeGreaterThan(5)
  expect(told.size).toBeGreaterThan(3)
})

describe.each(fixtures)('%s', (file) => {
  const source = readFileSync(join(folder, file), 'utf8')
  const announced = announcedIn(source)
  const diagnostics = told.get(file) ?? []

  test('compiles but for the lines that must not', () => {
    const unexpected = diagnostics.filter(({ line }) => !announced.some((error) => error.line === line))
    expect(unexpected).toEqual([])
  })

  if (announced.length === 0) return
  test.each(announced)('line $line: $text', ({ line, text }) => {
    const here = diagnostics.filter((diagnostic) => diagnostic.line === line)
    expect(here.map((diagnostic) => diagnostic.text).join('\n')).toContain(text)
  })
})
