import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { expectedOutputs } from './expected-outputs.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = join(root, 'examples')
const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')

interface Outcome {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** Runs what `npm run example` runs. */
function run(example: string): Promise<Outcome> {
  const { FORCE_COLOR: _, ...env } = process.env
  return new Promise((done) => {
    const command = [tsx, '--conditions=docket-source', join(folder, example)]
    execFile(process.execPath, command, { cwd: root, env, timeout: 20_000 }, (error, stdout, stderr) => {
      done({ stdout, stderr, exitCode: error === null ? 0 : Number(error.code ?? 1) })
    })
  })
}

/** Examples as they are run: a file, or a folder's `main.ts`. */
function allExamples(): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).map((entry) =>
    entry.isDirectory() ? `${entry.name}/main.ts` : entry.name,
  )
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

test.concurrent.each(Object.entries(expectedOutputs))('%s prints what it promises', async (example, { text, mask }) => {
  const { stdout, stderr, exitCode } = await run(example)
  expect({ stdout: (mask?.(stdout) ?? stdout).trimEnd(), stderr, exitCode }).toEqual({
    stdout: text,
    stderr: '',
    exitCode: 0,
  })
})
