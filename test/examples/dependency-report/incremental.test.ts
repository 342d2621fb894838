import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { appendFile, open, truncate } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Report } from '../../../examples/dependency-report/data-types.ts'
import type { Effort } from '../../../examples/dependency-report/results-file.ts'
import { withPackaged } from '../packaged.ts'
import { fixtureProject, lockOf } from './fixture-project.ts'

const root = resolve(import.meta.dirname, '../../..')
const main = join(root, 'examples/dependency-report/main.ts')

function start(...args: readonly string[]) {
  const { FORCE_COLOR: _, ...env } = process.env
  const child = spawn(process.execPath, [...withPackaged(), main, ...args], { cwd: root, env })
  const outcome = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { child, outcome: outcome.then(([stdout, stderr, [exitCode]]) => ({ stdout, stderr, exitCode })) }
}

interface Started {
  readonly report: Report
  readonly effort: Effort & { readonly results: string | null }
}

async function startAndRead(...args: readonly string[]): Promise<Started> {
  const { stdout, stderr, exitCode } = await start(...args, '--json').outcome
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 })
  const { effort, ...report } = JSON.parse(stdout)
  return { report, effort }
}

function threePackages(): Promise<string> {
  return fixtureProject({
    'package-lock.json': lockOf({
      '': { dependencies: { a: '1', b: '1', c: '1' } },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '1.0.0' },
      'node_modules/c': { version: '1.0.0' },
    }),
    'node_modules/a/package.json': { version: '1.0.0', license: 'MIT' },
    'node_modules/a/index.js': 'a',
    'node_modules/b/package.json': { version: '1.0.0', license: 'MIT' },
    'node_modules/c/package.json': { version: '1.0.0', license: 'ISC' },
  })
}

test('a second start examines nothing, and reports the same', async () => {
  const folder = await threePackages()
  const results = join(folder, 'node_modules/.cache/dependency-report.db')
  const first = await startAndRead(folder)
  const second = await startAndRead(folder)
  expect(first.effort).toEqual({ examined: 3, unchanged: 0, results })
  expect(second.effort).toEqual({ examined: 0, unchanged: 3, results })
  expect(second.report).toEqual(first.report)
})

test('a package of which a file was changed is examined again, and no other', async () => {
  const folder = await threePackages()
  const results = join(folder, 'elsewhere/results.db')
  const first = await startAndRead(folder, '--results', results)
  await appendFile(join(folder, 'node_modules/a/index.js'), 'aa')
  const second = await startAndRead(folder, '--results', results)
  expect(second.effort).toEqual({ examined: 1, unchanged: 2, results })
  expect(second.report.summary.bytes).toBe(first.report.summary.bytes + 2)
  const { stdout } = await start(folder, '--results', results).outcome
  expect(stdout).toMatch(/\nExamined +0 of 3 packages; unchanged since the last time: 3 \(kept in .+results\.db\)\n$/)
  expect(existsSync(join(folder, 'node_modules/.cache'))).toBe(false)
})

test('an execution that is over leaves nothing behind but results', async () => {
  const folder = await threePackages()
  await startAndRead(folder)
  using database = new DatabaseSync(join(folder, 'node_modules/.cache/dependency-report.db'), { readOnly: true })
  const countOf = (table: string): unknown => database.prepare(`select count(*) as n from docket_${table}`).get()!['n']
  expect([countOf('executions'), countOf('steps'), countOf('results')]).toEqual([0, 0, 3 + 2])
})

test('SIGINT in the middle stops it, and the next start goes on: what was examined is not examined again', async () => {
  const folder = await threePackages()
  const large = join(folder, 'node_modules/c/large.bin')
  // Holes take no place on the disk, but time to read.
  await (await open(large, 'w')).close()
  await truncate(large, 20_000_000_000)
  const results = join(folder, 'results.db')

  const { child, outcome } = start(folder, '--results', results)
  while (measured(results) < 2) await delay(20)
  child.kill('SIGINT')
  const { stdout, stderr, exitCode } = await outcome
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 130 })
  expect(stderr).toMatch(
    /^dependency-report: stopped after \d+ packages?; they are kept in \S+, and the next start goes on\n$/,
  )

  await truncate(large, 1_000)
  expect((await startAndRead(folder, '--results', results)).effort).toEqual({ examined: 1, unchanged: 2, results })
})

test('a file for results that can’t be made is refused in one line', async () => {
  const folder = await threePackages()
  const { stderr, exitCode } = await start(folder, '--results', join(folder, 'package-lock.json/results.db')).outcome
  expect(stderr).toMatch(/^dependency-report: results can't be kept in \S+: [^\n]+\n$/)
  expect(exitCode).toBe(1)
})

function measured(path: string): number {
  try {
    using database = new DatabaseSync(path, { readOnly: true })
    const query = `select count(*) as n from docket_results where step = 'MeasureContents' and status = 'completed'`
    return Number(database.prepare(query).get()!['n'])
  } catch {
    return 0 // not there yet
  }
}
