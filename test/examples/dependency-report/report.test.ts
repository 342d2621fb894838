import type { ExecutionEvent, Observer } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { sqliteStore } from 'docket/stores/sqlite'
import type * as FileSystem from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { Report } from '../../../examples/dependency-report/data-types.ts'
import type { LockedProject } from '../../../examples/dependency-report/lock-file.ts'
import { readLockedProject } from '../../../examples/dependency-report/lock-file.ts'
import { examine as examineIn } from '../../../examples/dependency-report/report.ts'
import { fixtureProject, lockOf } from './fixture-project.ts'

const { trouble } = vi.hoisted(() => ({ trouble: new Map<string, { code: string; timesLeft: number }>() }))

// The disk as it is, but files in `trouble` fail as often as they are told to.
vi.mock('node:fs/promises', async (importOriginal) => {
  const original = await importOriginal<typeof FileSystem>()
  const readFile = async (path: string, options: BufferEncoding): Promise<unknown> => {
    const plan = trouble.get(path)
    if (plan === undefined || plan.timesLeft-- <= 0) return original.readFile(path, options)
    throw Object.assign(new Error(`${plan.code}: trouble with ${path}`), { code: plan.code })
  }
  return { ...original, readFile }
})

async function threePackages(): Promise<string> {
  const manifest = { version: '1.0.0', license: 'MIT' }
  return fixtureProject({
    'package-lock.json': lockOf({
      '': { dependencies: { a: '1', b: '1', c: '1' } },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/b': { version: '1.0.0' },
      'node_modules/c': { version: '1.0.0' },
    }),
    'node_modules/a/package.json': manifest,
    'node_modules/b/package.json': manifest,
    'node_modules/c/package.json': { ...manifest, license: 'ISC' },
  })
}

function examine(locked: LockedProject, observers: readonly Observer[] = [], store = memoryStore()): Promise<Report> {
  return examineIn(locked, { store, observers })
}

function attemptsOf(events: readonly ExecutionEvent[], step: string): number {
  return events.filter((event) => event.type === 'attempt.started' && event.step === step).length
}

test('equal licence claims are judged once, however many packages make them', async () => {
  const events: ExecutionEvent[] = []
  const folder = await threePackages()
  const locked = await readLockedProject(folder)
  // A later report asks for the same two claims.
  for (const _ of [1, 2])
    await examine(locked, [(event) => events.push(event)], sqliteStore(join(folder, 'results.db')))
  expect(attemptsOf(events, 'ClassifyLicence')).toBe(2)
  const hits = events.filter((event) => event.type === 'cache.hit' && event.step === 'ClassifyLicence')
  expect(hits.length).toBe(4)
})

test('what takes all packages, or nothing of a single one, runs once', async () => {
  const events: ExecutionEvent[] = []
  await examine(await readLockedProject(await threePackages()), [(event) => events.push(event)])
  const counts = ['FindFolder', 'TraceTree', 'SortSizes', 'Summarise', 'RankPackage', 'WriteReport'].map((step) =>
    attemptsOf(events, step),
  )
  expect(counts).toEqual([3, 1, 1, 1, 3, 1])
})

test('a shortage that passes leaves no trace in the report', async () => {
  const folder = await threePackages()
  const locked = await readLockedProject(folder)
  const undisturbed = await examine(locked)
  const events: ExecutionEvent[] = []
  trouble.set(join(folder, 'node_modules/a/package.json'), { code: 'EMFILE', timesLeft: 2 })
  expect(await examine(locked, [(event) => events.push(event)])).toEqual(undisturbed)
  expect(events.filter((event) => event.type === 'retry.scheduled').length).toBe(2)
})

test('what does not pass is not tried again, and the row says so', async () => {
  const folder = await threePackages()
  const events: ExecutionEvent[] = []
  trouble.set(join(folder, 'node_modules/a/package.json'), { code: 'EACCES', timesLeft: Infinity })
  const report = await examine(await readLockedProject(folder), [(event) => events.push(event)])
  expect(events.some((event) => event.type === 'retry.scheduled')).toBe(false)
  expect(report.packages.find(({ name }) => name === 'a')).toMatchObject({
    state: 'installed',
    bytes: null,
    problem: "package.json can't be read: permission denied",
    licence: { expression: null, category: 'unknown' },
  })
  expect(report.packages.filter(({ problem }) => problem === null).map(({ name }) => name)).toEqual(['b', 'c'])
})
