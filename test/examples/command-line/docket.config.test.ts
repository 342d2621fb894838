import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { cli } from '../../cli/call-cli.ts'

const cwd = resolve(import.meta.dirname, '../../../examples/command-line')

test('the configuration is found by where it is, and its docket runs, lists and shows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'docket-config-'))
  vi.stubEnv('SQLITE_FILE', join(folder, 'greetings.db'))
  onTestFinished(() => {
    vi.unstubAllEnvs()
    rmSync(folder, { recursive: true })
  })
  const run = await cli(['run', 'greetings', 'Greeting', '--input', 'Name=Ada', '--id', 'greeting:1', '-q'], { cwd })
  expect(run).toMatchObject({ code: 0, out: 'Hello, Ada!\n' })
  expect((await cli(['list', '--json'], { cwd })).json).toMatchObject([{ id: 'greeting:1', status: 'completed' }])
  const store = ['--store', `sqlite:${join(folder, 'greetings.db')}`]
  expect((await cli(['show', 'greeting:1', ...store], { cwd })).out).toMatch(/Greet {2}completed/)
  const values = await cli(['show', 'greeting:1', '--values', ...store], { cwd })
  expect(values.out).toMatch(/"Greet": "Hello, Ada!"/)
  expect(await cli(['run', 'greetings', 'Greeting', ...store], { cwd })).toMatchObject({ code: 2 })
})
