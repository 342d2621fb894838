import { describe, expect, test } from 'vitest'
import { sortSizes, summarise } from '../../../examples/dependency-report/aggregate.ts'
import type { PackageFacts, Report } from '../../../examples/dependency-report/data-types.ts'
import { readOptions } from '../../../examples/dependency-report/options.ts'
import { rankPackage, writeReport } from '../../../examples/dependency-report/rank.ts'
import { formatBytes, renderReport } from '../../../examples/dependency-report/render.ts'
import { tableLines } from '../../../examples/dependency-report/table.ts'

function facts(name: string, bytes: number | null, more: Partial<PackageFacts> = {}): PackageFacts {
  return {
    location: `node_modules/${name}`,
    name,
    version: '1.0.0',
    alias: null,
    kind: 'prod',
    state: bytes === null ? 'missing' : 'installed',
    licence: { expression: 'MIT', category: 'permissive' },
    licenceFile: null,
    bytes,
    files: bytes === null ? null : 2,
    sha256: bytes === null ? null : String(bytes).padEnd(64, '0'),
    depth: 1,
    path: [],
    requiredBy: ['app@1.0.0'],
    problem: bytes === null ? 'not installed; run "npm ci"' : null,
    notes: [],
    ...more,
  }
}

function reportOn(packages: readonly PackageFacts[]): Report {
  const sizes = sortSizes(packages)
  const summary = summarise(packages, sizes)
  const project = { folder: '/app', name: 'app', version: '1.0.0', lockFile: 'package-lock.json', lockfileVersion: 3 }
  return writeReport(
    project,
    summary,
    packages.map((one) => rankPackage(one, sizes, summary)),
  )
}

const plain = (width: number) => ({ width, paint: (_: string, text: string) => text })

describe('aggregating', () => {
  test('percentiles are sizes that some package has', () => {
    expect(sortSizes([facts('a', 40), facts('b', 10), facts('c', 30), facts('d', 20), facts('e', null)])).toEqual({
      ascending: [10, 20, 30, 40],
      total: 100,
      median: 20,
      p90: 40,
      max: 40,
    })
    expect(sortSizes([])).toEqual({ ascending: [], total: 0, median: 0, p90: 0, max: 0 })
  })

  test('each size is in one bucket of the histogram', () => {
    const { histogram } = reportOn(
      [0, 9_999, 10_000, 99_999, 1e6, 1e7, 1e12].map((bytes, index) => facts(`p${index}`, bytes)),
    ).summary.sizes
    expect(histogram.map(({ packages }) => packages)).toEqual([2, 2, 0, 1, 2])
    expect(histogram[0]!.bytes).toBe(9_999)
  })

  test('several versions of a name are duplicates, several copies of one version are not', () => {
    const { summary, packages } = reportOn([
      facts('a', 10),
      facts('a', 20, { location: 'node_modules/b/node_modules/a', version: '10.0.0' }),
      facts('a', 30, { location: 'node_modules/c/node_modules/a', version: '2.0.0' }),
      facts('d', 5),
      facts('d', 5, { location: 'node_modules/e/node_modules/d' }),
    ])
    expect(summary.duplicates).toEqual([{ name: 'a', versions: ['1.0.0', '2.0.0', '10.0.0'], copies: 3, bytes: 60 }])
    expect(packages.find(({ version }) => version === '2.0.0')!.otherVersions).toEqual(['1.0.0', '10.0.0'])
    expect(packages.find(({ name }) => name === 'd')!.otherVersions).toEqual([])
    expect(summary.differingCopies).toEqual([])
  })

  test('copies of one version with different contents are reported', () => {
    const { summary, packages } = reportOn([
      facts('a', 10),
      facts('a', 11, { location: 'node_modules/b/node_modules/a' }),
      facts('b', 1),
    ])
    expect(summary.differingCopies).toEqual(['a@1.0.0'])
    expect(packages.map(({ notes }) => notes.length)).toEqual([1, 1, 0])
  })
})

describe('ranking', () => {
  test('equal sizes share a rank; what has no size has none and comes last', () => {
    const { packages } = reportOn([
      facts('missing', null),
      facts('small', 10),
      facts('big', 60),
      facts('twin', 10),
      facts('mid', 20),
    ])
    expect(packages.map(({ name, rank, percentile, share }) => [name, rank, percentile, share])).toEqual([
      ['big', 1, 100, 60],
      ['mid', 2, 75, 20],
      ['small', 3, 50, 10],
      ['twin', 3, 50, 10],
      ['missing', null, null, null],
    ])
  })

  test('packages without a byte have a share of 0', () => {
    expect(reportOn([facts('empty', 0)]).packages[0]).toMatchObject({ rank: 1, percentile: 100, share: 0 })
  })
})

describe('rendering', () => {
  const long = facts('a-package-with-quite-a-long-name', 1_234_567, {
    licence: { expression: 'GPL-3.0-only', category: 'strong copyleft' },
    requiredBy: ['some-other-package-with-a-long-name@10.20.30', 'x@1.0.0'],
    depth: 3,
    notes: ['deprecated: use something else, please, as this is no longer looked after'],
  })

  test.each([48, 60, 80, 120, 200])('no line is wider than a terminal of %i columns', (width) => {
    const lines = renderReport(reportOn([long, facts('b', 10), facts('c', null)]), 20, plain(width)).split('\n')
    expect(lines.filter((line) => line.length > width)).toEqual([])
    expect(lines[2]).toMatch(width < 80 ? /Package +Size .*Licence/ : /Package +Size .*Licence .*Pulled in by .*Notes/)
  })

  test('a table shows what was requested and says what it leaves out', () => {
    const report = reportOn([long, facts('b', 10), facts('c', null)])
    const text = renderReport(report, 1, plain(250))
    expect(text).toContain('a-package-with-quite-a-long-name@1.0.0  1.2 MB  100.0 %')
    expect(text).toContain('GPL-3.0-only (strong copyleft)')
    expect(text).toContain('some-other-package-with-a-long-name@10.20.30 +1')
    expect(text).toContain('… and 2 more; --all shows them')
    expect(renderReport(report, Infinity, plain(200))).not.toContain('more; --all')
    expect(text).toMatch(/Problems +node_modules\/c: not installed; run "npm ci"/)
  })

  test('a project without dependencies has a report too', () => {
    expect(renderReport(reportOn([]), 20, plain(80))).toContain('no dependencies')
  })

  test('what packages write of themselves cannot break lines or move the cursor', () => {
    const evil = facts('evil', 1, {
      licence: { expression: 'MIT\u001B[2J', category: 'unknown' },
      notes: ['deprecated: a\nb\tc'],
    })
    const text = renderReport(reportOn([evil]), 20, plain(200))
    expect(text).not.toContain('\u001B')
    expect(text).toContain('deprecated: a b c')
  })

  test('colours change no width', () => {
    const columns = [
      {
        heading: 'a',
        cells: ['x', 'yyyy'],
        align: 'left',
        shrinks: true,
        isDispensable: false,
        paint: (text: string) => `<${text}>`,
      },
      { heading: 'n', cells: ['1', '22'], align: 'right' },
    ] as const
    expect(tableLines(columns, 80, (text) => text)).toEqual(['a      n', '<x   >   1', '<yyyy>  22'])
  })

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1.0 kB'],
    [99_949, '99.9 kB'],
    [99_950, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.0 MB'],
    [5.2e15, '5200 TB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text)
  })
})

describe('options', () => {
  test('the defaults are this folder, a table, and twenty rows', () => {
    const usual = { isInspected: false, results: undefined }
    expect(readOptions([])).toEqual({ ...usual, folder: '.', output: 'table', top: 20 })
    expect(readOptions(['x', '--all', '--json'])).toEqual({ ...usual, folder: 'x', output: 'json', top: Infinity })
  })

  test.each([
    [['--jsno'], /^Unknown option '--jsno'; see --help$/],
    [['--top', '0'], /--top takes a whole number from 1, not "0"/],
    [['--top'], /'--top <value>' argument missing; see --help$/],
    [['a', 'b'], /one project at a time/],
    [['--json', '--mermaid'], /exclude each other/],
  ])('%j is refused in one line', (args, message) => {
    expect(() => readOptions(args)).toThrow(message)
    expect(() => readOptions(args)).toThrow(/^[^\n]+$/)
  })
})
