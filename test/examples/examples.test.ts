import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { expectedOutputs } from './expected-outputs.ts'
import { exampleMs, runExample, runTwice } from './run-example.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'examples')

/** Examples as they are run: a file, a folder's `main.ts`, or each file of a folder that has none. */
function allExamples(): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return entry.name.endsWith('.ts') ? [entry.name] : []
    const files = readdirSync(join(folder, entry.name))
    const started = files.includes('main.ts') ? ['main.ts'] : files.filter((file) => file.endsWith('.ts'))
    return started.map((file) => `${entry.name}/${file}`)
  })
}

/** A large example has a test file of its own. */
function hasOwnTest(example: string): boolean {
  return existsSync(join(root, 'test/examples', `${example.replace(/\/main\.ts$|\.ts$/, '')}.test.ts`))
}

test('every example is run by a test', () => {
  const untested = allExamples().filter((example) => expectedOutputs[example] === undefined && !hasOwnTest(example))
  expect(untested, 'add the example to test/examples/expected-outputs.ts').toEqual([])
})

test('every expectation has its example', () => {
  expect(Object.keys(expectedOutputs).filter((example) => !allExamples().includes(example))).toEqual([])
})

// Those that need a server are run by test/processes/examples.test.ts.
const withoutServer = Object.entries(expectedOutputs).filter(([, { server }]) => server === undefined)

test.concurrent.each(withoutServer)(
  '%s prints what it promises',
  { timeout: 2 * exampleMs + 10_000 },
  async (example, { text, mask, isRunTwice }) => {
    const { stdout, stderr, exitCode } = await (isRunTwice === true
      ? runTwice(example, { SQLITE_FILE: join(temporaryFolder(), 'example.db') })
      : runExample(example))
    expect({ stdout: (mask?.(stdout) ?? stdout).trimEnd(), stderr, exitCode }).toEqual({
      stdout: text,
      stderr: '',
      exitCode: 0,
    })
  },
)

// The others are run by Node itself, which starts them in half the time.
test.each(['hello-world.ts', 'class-steps.ts'])('npm run example examples/%s prints the same', async (example) => {
  const { FORCE_COLOR: _, ...env } = process.env
  const command = ['--silent', 'run', 'example', `examples/${example}`]
  const { stdout, stderr } = await promisify(execFile)('npm', command, { cwd: root, env, timeout: exampleMs })
  expect({ stdout, stderr }).toEqual({ stdout: `${expectedOutputs[example]!.text}\n`, stderr: '' })
})

function temporaryFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'docket-example-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}
