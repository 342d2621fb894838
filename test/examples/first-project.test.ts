import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { cli } from '../cli/call-cli.ts'
import { runExample } from './run-example.ts'

const project = resolve(import.meta.dirname, '../../examples/first-project')
const folder = mkdtempSync(join(tmpdir(), 'docket-first-project-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('the first project ships an order, however often it is started', async () => {
  const file = { SQLITE_FILE: join(folder, 'orders.db') }
  for (let i = 0; i < 2; i++)
    expect(await runExample('first-project/main.ts', file)).toEqual({
      stdout: 'order 7: 19.99 paid, 1.2 kg shipped\n',
      stderr: '',
      exitCode: 0,
    })
})

test('the tests of the first project pass', async () => {
  const argv = ['--conditions=docket-source', '--test', '--test-reporter=tap', 'graphs.test.ts']
  const { stdout } = await promisify(execFile)(process.execPath, argv, { cwd: project, timeout: 50_000 })
  expect(stdout).toMatch(/^# pass 2$/m)
})

describe('docket init', () => {
  test('writes the first project into a new folder, with what npm needs', async () => {
    const { code, out } = await cli(['init', 'My Shop!'], { cwd: folder })
    expect(code).toBe(0)
    expect(out).toMatch(/^ {2}cd "My Shop!"\n.*npm install && npm start/m)
    const written = join(folder, 'My Shop!')
    expect(readdirSync(written).toSorted()).toEqual([
      '.gitignore',
      'docket.config.ts',
      'graphs.test.ts',
      'graphs.ts',
      'main.ts',
      'package.json',
      'tsconfig.json',
    ])
    expect(readFileSync(join(written, 'graphs.ts'), 'utf8')).toBe(readFileSync(join(project, 'graphs.ts'), 'utf8'))
    expect(JSON.parse(readFileSync(join(written, 'package.json'), 'utf8'))).toMatchObject({
      name: 'my-shop',
      type: 'module',
      scripts: { start: 'node main.ts', test: 'node --test', inspect: 'docket inspect' },
      dependencies: { docket: expect.stringMatching(/^file:/), xstate: expect.stringMatching(/^\^5\./) },
    })
  })

  test('writes into the folder that it is called in, where that holds nothing but a repository', async () => {
    const cwd = join(folder, 'empty')
    mkdirSync(join(cwd, '.git'), { recursive: true })
    expect(await cli(['init', '--docket', '1.2.3', '--json'], { cwd })).toMatchObject({
      code: 0,
      json: [{ folder: cwd }],
    })
    expect(readFileSync(join(cwd, 'package.json'), 'utf8')).toMatch(/"docket": "1\.2\.3"/)
  })

  test('refuses a folder that is not empty, and changes nothing in it', async () => {
    const cwd = join(folder, 'full')
    mkdirSync(cwd)
    writeFileSync(join(cwd, 'notes.txt'), 'mine')
    const { code, err } = await cli(['init'], { cwd })
    expect(code).toBe(4)
    expect(err).toMatch(/is not empty: it holds notes\.txt\. Give an empty folder/)
    expect(readdirSync(cwd)).toEqual(['notes.txt'])
    expect((await cli(['init', 'notes.txt'], { cwd })).code).toBe(4)
  })
})
