import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PackageRow, Report } from '../../examples/dependency-report/data-types.ts'
import { withPackaged } from './packaged.ts'
import { fixtureProject, LinkTo, lockOf } from './dependency-report/fixture-project.ts'

const root = resolve(import.meta.dirname, '../..')
const main = join(root, 'examples/dependency-report/main.ts')

interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs what `npm start` runs, with its output in pipes, by Node itself: it takes half the time. */
function run(...args: readonly string[]): Promise<Outcome> {
  return runCommand(process.execPath, ...withPackaged(), main, ...args)
}

function runCommand(program: string, ...args: readonly string[]): Promise<Outcome> {
  const { FORCE_COLOR: _, ...env } = process.env
  return new Promise((done) => {
    const options = { cwd: root, env, maxBuffer: 64 * 1024 * 1024 }
    execFile(program, args, options, (error, stdout, stderr) => {
      done({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr })
    })
  })
}

async function reportOf(folder: string): Promise<Report> {
  const { exitCode, stdout, stderr } = await run(folder, '--json', '--fresh')
  expect(stderr).toBe('')
  expect(exitCode).toBe(0)
  return JSON.parse(stdout) as Report
}

function rowAt(report: Report, location: string): PackageRow {
  const row = report.packages.find((one) => one.location === location)
  if (row === undefined) throw new Error(`no row for ${location}`)
  return row
}

/** The fingerprint as the README tells it. */
function sha256Of(files: Readonly<Record<string, string>>): string {
  const hash = createHash('sha256')
  for (const path of Object.keys(files).sort())
    hash.update(`${path}\0${Buffer.byteLength(files[path]!)}\0${files[path]!}`)
  return hash.digest('hex')
}

async function expectRefusal(message: RegExp, ...args: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await run(...args)
  expect(stderr).toMatch(message)
  expect(stderr).toMatch(/^dependency-report: [^\n]+\n$/)
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
}

describe('on this project', () => {
  test('the report agrees with the lock file and the disk', async () => {
    const report = await reportOf(root)
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string; dependencies?: object; devDependencies?: object }>
    }
    const locations = Object.keys(lock.packages).filter((location) => location !== '')
    expect(report.packages.map(({ location }) => location).sort()).toEqual(locations.sort())
    expect(report.project).toMatchObject({
      name: 'docket',
      folder: root,
      lockFile: 'package-lock.json',
      lockfileVersion: 3,
    })
    expect(report.summary.problems).toEqual([])

    const direct = Object.keys({ ...lock.packages['']!.dependencies, ...lock.packages['']!.devDependencies })
    for (const name of direct) expect(rowAt(report, `node_modules/${name}`).depth).toBe(1)

    const folder = join(root, 'node_modules/xstate')
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(rowAt(report, 'node_modules/xstate')).toMatchObject({
      version: lock.packages['node_modules/xstate']!.version,
      files: files.length,
      bytes: files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0),
      licence: { expression: 'MIT', category: 'permissive' },
      state: 'installed',
    })

    const sizes = report.packages.flatMap(({ bytes }) => bytes ?? []).sort((a, b) => b - a)
    expect(report.summary.bytes).toBe(sizes.reduce((sum, bytes) => sum + bytes, 0))
    expect(report.summary.sizes.max).toBe(sizes[0])
    expect(report.summary.packages.installed).toBe(sizes.length)
    expect(report.packages.flatMap(({ bytes }) => bytes ?? [])).toEqual(sizes)
  })

  test('the table is plain text in a pipe, and the progress bar keeps silent', async () => {
    const { exitCode, stdout, stderr } = await run('--top', '5', '--fresh')
    expect(exitCode).toBe(0)
    expect(stderr).toBe('')
    expect(stdout).not.toContain('\u001B')
    expect(stdout).toMatch(
      /^docket \d+\.\d+\.\d+ {2}.+\(package-lock\.json, version 3\)\n\n *# {2}Package +Size +Share/,
    )
    expect(stdout).toMatch(/\n… and \d+ more; --all shows them\n/)
    expect(stdout).toMatch(/\nLicences +permissive \d+ +MIT \d+/)
    expect(stdout).toMatch(/\nDuplicates +\S/)
    expect(stdout).toMatch(/\nExamined +(\d+) of \1 packages \(kept nowhere\)\n$/)
  })

  test('npm start -- --mermaid draws the plan that the README shows, and examines nothing', async () => {
    const { exitCode, stdout, stderr } = await runCommand('npm', '--silent', 'start', '--', '--mermaid')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^(?:flowchart|graph) /)
    expect(stdout).not.toContain(':::missing')
    expect(readFileSync(join(dirname(main), 'README.md'), 'utf8')).toContain(`\`\`\`mermaid\n${stdout}\`\`\``)
    for (const step of ['FindFolder', 'ClassifyLicence', 'Summarise', 'RankPackage', 'WriteReport'])
      expect(stdout).toContain(step)
  })
})

describe('on a small project', () => {
  const oneFiles = {
    'index.js': 'one',
    'package.json': '{"name":"one","version":"1.0.0","license":"MIT"}',
    LICENSE: 'MIT',
  }
  const files = {
    'package.json': { name: 'app' },
    'package-lock.json': lockOf({
      '': {
        name: 'app',
        version: '1.0.0',
        dependencies: { one: '1', two: '1', nick: 'npm:real@2', lib: 'file:lib' },
        optionalDependencies: { mac: '1' },
      },
      'node_modules/one': { version: '1.0.0', dependencies: { shared: '1' } },
      'node_modules/two': {
        version: '1.0.0',
        license: 'ISC',
        dependencies: { shared: '2', one: '1' },
        deprecated: 'use three',
      },
      'node_modules/two/node_modules/shared': { version: '2.0.0' },
      'node_modules/shared': { version: '1.0.0' },
      'node_modules/nick': { name: 'real', version: '2.0.0' },
      'node_modules/lib': { resolved: 'lib', link: true },
      lib: { name: 'lib', version: '0.1.0' },
      'node_modules/mac': { version: '1.0.0', license: 'BSD-2-Clause', optional: true, os: ['darwin'] },
      'node_modules/gone': { version: '1.0.0', license: 'GPL-3.0-only' },
      'node_modules/odd': { version: '1.0.0' },
      'node_modules/old': { version: '1.0.0' },
    }),
    ...Object.fromEntries(Object.entries(oneFiles).map(([path, text]) => [`node_modules/one/${path}`, text])),
    'node_modules/two/package.json': { version: '1.0.1', licenses: [{ type: 'GPL-3.0-only' }, { type: 'MIT' }] },
    'node_modules/two/node_modules/shared/package.json': { version: '2.0.0', license: 'SEE LICENSE IN EULA.txt' },
    'node_modules/two/node_modules/shared/EULA.txt': 'All rights reserved.',
    'node_modules/shared/package.json': { version: '1.0.0' },
    'node_modules/shared/COPYING': 'GNU LESSER GENERAL PUBLIC LICENSE',
    'node_modules/nick/package.json': { name: 'real', version: '2.0.0', license: 'MIT OR (GPL-2.0-only AND ISC)' },
    'node_modules/lib': new LinkTo('../lib'),
    'lib/package.json': { name: 'lib', version: '0.1.0', license: 'UNLICENSED' },
    'lib/node_modules/private.js': 'not counted',
    'node_modules/odd/package.json': '{ "name": "odd"',
    'node_modules/old': 'a file where a folder should be',
  }

  test('sizes, places, licences and ranks are right', async () => {
    const report = await reportOf(await fixtureProject(files))
    const oneBytes = Object.values(oneFiles).join('').length
    expect(rowAt(report, 'node_modules/one')).toMatchObject({
      state: 'installed',
      kind: 'prod',
      depth: 1,
      requiredBy: ['app@1.0.0', 'two@1.0.0'],
      bytes: oneBytes,
      files: 3,
      sha256: sha256Of(oneFiles),
      licence: { expression: 'MIT', category: 'permissive' },
      licenceFile: 'LICENSE',
      problem: null,
    })
    expect(rowAt(report, 'node_modules/two')).toMatchObject({
      files: 1,
      licence: { expression: 'GPL-3.0-only OR MIT', category: 'permissive' },
      problem: 'version 1.0.1 is installed instead; run "npm ci"',
      notes: ['deprecated: use three'],
    })
    expect(rowAt(report, 'node_modules/two/node_modules/shared')).toMatchObject({
      depth: 2,
      path: ['two@1.0.0'],
      requiredBy: ['two@1.0.0'],
      otherVersions: ['1.0.0'],
      licence: { category: 'proprietary' },
    })
    expect(rowAt(report, 'node_modules/shared')).toMatchObject({
      requiredBy: ['one@1.0.0'],
      licence: { expression: 'LGPL-3.0-only', category: 'weak copyleft' },
    })
    expect(rowAt(report, 'node_modules/nick')).toMatchObject({
      name: 'real',
      alias: 'nick',
      depth: 1,
      licence: { category: 'permissive' },
    })
    expect(rowAt(report, 'lib')).toMatchObject({
      kind: 'linked',
      depth: 1,
      files: 1,
      licence: { category: 'proprietary' },
    })
    expect(report.packages.some(({ location }) => location === 'node_modules/lib')).toBe(false)

    const sizes = report.packages.flatMap(({ bytes }) => bytes ?? []).sort((a, b) => b - a)
    const one = rowAt(report, 'node_modules/one')
    expect(one.rank).toBe(sizes.indexOf(oneBytes) + 1)
    expect(one.share).toBeCloseTo((100 * oneBytes) / sizes.reduce((sum, bytes) => sum + bytes, 0), 1)
    expect(report.summary.packages).toEqual({
      total: 10,
      installed: 7,
      skipped: 1,
      missing: 1,
      unreadable: 1,
      direct: 5,
    })
    expect(report.summary.duplicates.map(({ name, versions }) => [name, versions])).toEqual([
      ['shared', ['1.0.0', '2.0.0']],
    ])
  })

  test('what is missing or broken has a row that says so', async () => {
    const report = await reportOf(await fixtureProject(files))
    const without = { bytes: null, files: null, sha256: null, rank: null, share: null }
    expect(rowAt(report, 'node_modules/gone')).toMatchObject({
      ...without,
      state: 'missing',
      depth: null,
      problem: 'not installed; run "npm ci"',
      licence: { expression: 'GPL-3.0-only', category: 'strong copyleft' },
    })
    expect(rowAt(report, 'node_modules/mac')).toMatchObject({
      ...without,
      state: 'skipped',
      kind: 'optional',
      problem: null,
    })
    expect(rowAt(report, 'node_modules/old')).toMatchObject({
      state: 'unreadable',
      problem: 'it is not a folder; run "npm ci"',
    })
    expect(rowAt(report, 'node_modules/odd')).toMatchObject({
      state: 'installed',
      files: 1,
      problem: "package.json can't be read: it is not valid JSON",
      licence: { expression: null, category: 'unknown' },
    })
    expect(report.summary.problems.map(({ location }) => location).sort()).toEqual([
      'node_modules/gone',
      'node_modules/odd',
      'node_modules/old',
      'node_modules/two',
    ])
  })

  test('a project without dependencies has an empty report', async () => {
    const report = await reportOf(
      await fixtureProject({ 'package-lock.json': lockOf({ '': { name: 'alone', version: '1.0.0' } }) }),
    )
    expect(report).toMatchObject({
      project: { name: 'alone' },
      packages: [],
      summary: { bytes: 0, packages: { total: 0 } },
    })
  })
})

describe('on input that it cannot use', () => {
  test('no folder, no lock file, a malformed or an old one: one line that says what to do, and exit code 1', async () => {
    const [bare, broken, old] = await Promise.all([
      fixtureProject({ 'package.json': {} }),
      fixtureProject({ 'package-lock.json': '{ "lockfileVersion": 3,' }),
      fixtureProject({ 'package-lock.json': { lockfileVersion: 1, dependencies: {} } }),
    ])
    await expectRefusal(/does not exist; give the folder of an npm project/, join(bare, 'nowhere'))
    await expectRefusal(/has no package-lock\.json; run "npm install --package-lock-only" there/, bare)
    await expectRefusal(/package-lock\.json is not valid JSON/, broken, '--json')
    await expectRefusal(/lockfileVersion 1, and only 2 and 3 are supported/, old)
  })

  test('a project that is not installed is refused in one line, unless all that is missing is for other machines', async () => {
    const elsewhere = { version: '1.0.0', os: ['nowhere'] }
    const packages = { '': {}, 'node_modules/one': { version: '1.0.0' }, 'node_modules/two': { version: '1.0.0' } }
    const [bare, foreign] = await Promise.all([
      fixtureProject({ 'package-lock.json': lockOf({ ...packages, 'node_modules/far': elsewhere }) }),
      fixtureProject({ 'package-lock.json': lockOf({ '': {}, 'node_modules/far': elsewhere }) }),
    ])
    await expectRefusal(/is not installed; run "npm ci" there first/, bare)
    await expectRefusal(/is not installed; run "npm ci" there first/, bare, '--json')
    const report = await reportOf(foreign)
    expect(rowAt(report, 'node_modules/far')).toMatchObject({ state: 'skipped', problem: null })
    expect(report.summary.problems).toEqual([])
  })

  test('an unknown option is refused, and --help lists all of them', async () => {
    await expectRefusal(/Unknown option '--jsno'; see --help/, '--jsno')
    const { exitCode, stdout } = await run('--help')
    expect(exitCode).toBe(0)
    for (const option of ['--top', '--all', '--json', '--mermaid', '--results', '--fresh', '--help'])
      expect(stdout).toContain(option)
  })
})
