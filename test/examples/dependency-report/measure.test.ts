import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { LockedPackage } from '../../../examples/dependency-report/data-types.ts'
import {
  findFolder,
  listFiles,
  measureContents,
  readLicenceText,
  readManifest,
  unreadableManifest,
} from '../../../examples/dependency-report/measure.ts'
import { isTransient } from '../../../examples/dependency-report/project-problem.ts'
import { fixtureProject, LinkTo } from './fixture-project.ts'

const { signal } = new AbortController()
const installed = (path: string) => ({ path, state: 'installed' as const, problem: null })

const locked = (location: string, mayBeAbsent: boolean): LockedPackage => ({
  location,
  name: 'a',
  version: '1.0.0',
  alias: null,
  kind: 'prod',
  mayBeAbsent,
  declaredLicence: null,
  notes: [],
})

describe('measuring a package', () => {
  test('files are listed by path, nested packages left out, links not followed', async () => {
    const path = await fixtureProject({
      'z.txt': 'zz',
      'lib/b.js': 'b',
      'lib/a.js': 'aaa',
      'lib/node_modules/kept.js': 'k',
      'node_modules/other/index.js': 'not ours',
      link: new LinkTo('z.txt'),
    })
    const { files } = await listFiles(installed(path), signal)
    const changedAt = expect.any(Number)
    expect(files).toEqual([
      { path: 'lib/a.js', bytes: 3, isLink: false, changedAt },
      { path: 'lib/b.js', bytes: 1, isLink: false, changedAt },
      { path: 'lib/node_modules/kept.js', bytes: 1, isLink: false, changedAt },
      { path: 'link', bytes: 5, isLink: true, changedAt },
      { path: 'z.txt', bytes: 2, isLink: false, changedAt },
    ])
  })

  test('the hash is of path, size and contents of each file, also of those too large to read at once', async () => {
    const large = 'x'.repeat(1_500_000)
    const path = await fixtureProject({ 'a.txt': 'abc', 'b.txt': large, c: new LinkTo('a.txt') })
    const folder = installed(path)
    const contents = await measureContents(folder, await listFiles(folder, signal), signal)
    const expected = createHash('sha256')
      .update(`a.txt\0${3}\0abcb.txt\0${large.length}\0${large}c\0${5}\0a.txt`)
      .digest('hex')
    expect(contents).toEqual({ bytes: 3 + large.length + 5, files: 3, sha256: expected })
  })

  test('reading stops when the signal is aborted', async () => {
    const folder = installed(await fixtureProject({ 'a.txt': 'abc' }))
    const list = await listFiles(folder, signal)
    const aborted = AbortSignal.abort(new Error('enough'))
    await expect(listFiles(folder, aborted)).rejects.toThrow('enough')
    await expect(measureContents(folder, list, aborted)).rejects.toThrow()
  })
})

describe('findFolder', () => {
  test('a folder that is not there is missing, or skipped where npm may leave it out', async () => {
    const folder = await fixtureProject({ 'node_modules/a/package.json': {}, 'node_modules/file': '' })
    const project = { folder, name: 'x', version: null, lockFile: 'package-lock.json', lockfileVersion: 3 }
    const stateOf = async (location: string, mayBeAbsent = false) =>
      (await findFolder(locked(location, mayBeAbsent), project)).state
    expect(await stateOf('node_modules/a')).toBe('installed')
    expect(await stateOf('node_modules/b')).toBe('missing')
    expect(await stateOf('node_modules/b', true)).toBe('skipped')
    expect(await stateOf('node_modules/file')).toBe('unreadable')
  })
})

describe('manifest and licence', () => {
  test('a manifest that cannot be read says why', async () => {
    const folder = await fixtureProject({
      'broken/package.json': '{',
      'list/package.json': '[]',
      'good/package.json': { version: '1.0.0' },
    })
    const problemOf = async (name: string) =>
      (await readManifest(installed(join(folder, name)), signal).catch(unreadableManifest)).problem
    expect(await problemOf('broken')).toBe("package.json can't be read: it is not valid JSON")
    expect(await problemOf('list')).toBe("package.json can't be read: it is not an object")
    expect(await problemOf('nowhere')).toBe("package.json can't be read: it does not exist")
    expect(await problemOf('good')).toBeNull()
  })

  test('the licence file is the one that the manifest names, else one with a usual name', async () => {
    const path = await fixtureProject({ 'LICENCE-MIT.md': 'mit', 'EULA.txt': 'eula', 'licenser.js': '' })
    const folder = installed(path)
    const list = await listFiles(folder, signal)
    const fileFor = async (licence: string | null) =>
      (await readLicenceText(folder, { version: null, licence, problem: null }, list, signal)).file
    expect(await fileFor('MIT')).toBe('LICENCE-MIT.md')
    expect(await fileFor('SEE LICENSE IN EULA.txt')).toBe('EULA.txt')
    expect(await fileFor('SEE LICENSE IN ../../secret')).toBe('LICENCE-MIT.md')
    await expect(
      readLicenceText(folder, { version: null, licence: null, problem: null }, { files: [] }, signal),
    ).rejects.toThrow('there is no licence file')
  })

  test('only a shortage that passes gets another attempt', () => {
    expect(isTransient(Object.assign(new Error('busy'), { code: 'EMFILE' }))).toBe(true)
    expect(isTransient(Object.assign(new Error('gone'), { code: 'ENOENT' }))).toBe(false)
    expect(isTransient('EMFILE')).toBe(false)
  })
})
