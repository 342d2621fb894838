import { describe, expect, test } from 'vitest'
import { findDependency, traceTree } from '../../../examples/dependency-report/dependency-tree.ts'
import { parseLockFile, readLockedProject } from '../../../examples/dependency-report/lock-file.ts'
import { fixtureProject, lockOf } from './fixture-project.ts'

const parsed = (packages: Readonly<Record<string, object>>) =>
  parseLockFile('package-lock.json', JSON.stringify(lockOf(packages))).packages

describe('traceTree', () => {
  const entries = parsed({
    '': { name: 'app', version: '1.0.0', dependencies: { a: '1', b: '1' }, devDependencies: { tool: '1' } },
    'node_modules/a': { version: '1.0.0', dependencies: { shared: '^1' } },
    'node_modules/a/node_modules/shared': { version: '1.5.0', dependencies: { deep: '1' } },
    'node_modules/b': { version: '1.1.0', dependencies: { shared: '^2', a: '1' } },
    'node_modules/shared': { version: '2.0.0' },
    'node_modules/deep': { version: '3.0.0', dependencies: { a: '1' } },
    'node_modules/tool': {
      version: '0.1.0',
      dev: true,
      devDependencies: { unused: '1' },
      peerDependencies: { deep: '3' },
    },
    'node_modules/unused': { version: '9.0.0', extraneous: true },
  })
  const tree = traceTree(entries)

  test('the nearest copy is taken, as Node does', () => {
    expect(findDependency('node_modules/a', 'shared', entries)).toBe('node_modules/a/node_modules/shared')
    expect(findDependency('node_modules/b', 'shared', entries)).toBe('node_modules/shared')
    expect(findDependency('node_modules/a/node_modules/shared', 'deep', entries)).toBe('node_modules/deep')
    expect(findDependency('node_modules/a', 'nothing', entries)).toBeUndefined()
  })

  test('the depth is that of the shortest way, and the path is that way', () => {
    expect(tree.get('node_modules/a')).toEqual({
      depth: 1,
      path: [],
      requiredBy: ['app@1.0.0', 'b@1.1.0', 'deep@3.0.0'],
    })
    expect(tree.get('node_modules/a/node_modules/shared')).toEqual({
      depth: 2,
      path: ['a@1.0.0'],
      requiredBy: ['a@1.0.0'],
    })
    expect(tree.get('node_modules/deep')).toEqual({
      depth: 2,
      path: ['tool@0.1.0'],
      requiredBy: ['shared@1.5.0', 'tool@0.1.0'],
    })
  })

  test("a dependency's own devDependencies pull in nothing", () => {
    expect(tree.get('node_modules/unused')).toEqual({ depth: null, path: [], requiredBy: [] })
  })

  test('optional peers pull in nothing', () => {
    const optionalPeer = traceTree(
      parsed({
        '': { dependencies: { a: '1' } },
        'node_modules/a': {
          version: '1.0.0',
          peerDependencies: { p: '1' },
          peerDependenciesMeta: { p: { optional: true } },
        },
        'node_modules/p': { version: '1.0.0' },
      }),
    )
    expect(optionalPeer.get('node_modules/p')?.depth).toBeNull()
  })

  test('workspaces are direct dependencies, and their devDependencies count', () => {
    const workspaces = traceTree(
      parsed({
        '': { name: 'root', workspaces: ['packages/*'] },
        'node_modules/@me/lib': { resolved: 'packages/lib', link: true },
        'packages/lib': {
          name: '@me/lib',
          version: '0.0.1',
          devDependencies: { tool: '1' },
          dependencies: { own: '1' },
        },
        'packages/lib/node_modules/own': { version: '1.0.0' },
        'node_modules/tool': { version: '1.0.0', dev: true },
      }),
    )
    expect(workspaces.get('packages/lib')).toEqual({ depth: 1, path: [], requiredBy: ['root'] })
    expect(workspaces.get('node_modules/tool')).toEqual({
      depth: 2,
      path: ['@me/lib@0.0.1'],
      requiredBy: ['@me/lib@0.0.1'],
    })
    expect(workspaces.get('packages/lib/node_modules/own')?.depth).toBe(2)
  })
})

describe('readLockedProject', () => {
  test('each folder is one package; links stand for their target; aliases keep both names', async () => {
    const folder = await fixtureProject({
      'package-lock.json': lockOf({
        '': { name: 'app', version: '1.0.0', dependencies: { nick: 'npm:real@1', lib: 'file:lib' } },
        'node_modules/nick': { name: 'real', version: '1.2.0', license: 'MIT' },
        'node_modules/lib': { resolved: 'lib', link: true },
        lib: { version: '0.0.1' },
      }),
    })
    const { project, packages } = await readLockedProject(folder)
    expect(project).toEqual({
      folder,
      name: 'app',
      version: '1.0.0',
      lockFile: 'package-lock.json',
      lockfileVersion: 3,
    })
    expect(
      packages.map(({ location, name, alias, kind, declaredLicence }) => ({
        location,
        name,
        alias,
        kind,
        declaredLicence,
      })),
    ).toEqual([
      { location: 'node_modules/nick', name: 'real', alias: 'nick', kind: 'prod', declaredLicence: 'MIT' },
      { location: 'lib', name: 'lib', alias: null, kind: 'linked', declaredLicence: null },
    ])
  })

  test('a shrinkwrap wins over a lock file, and a byte order mark does no harm', async () => {
    const folder = await fixtureProject({
      'package-lock.json': 'broken',
      'npm-shrinkwrap.json': `\uFEFF${JSON.stringify({ ...lockOf({ '': {} }), lockfileVersion: 2 })}`,
    })
    expect((await readLockedProject(folder)).project).toMatchObject({
      lockFile: 'npm-shrinkwrap.json',
      lockfileVersion: 2,
    })
  })

  test.each([
    [
      '{ "lockfileVersion": 3, ',
      /^package-lock\.json is not valid JSON \(.+\); restore it, or delete it and run "npm install"$/,
    ],
    ['<<<<<<< HEAD\n{}', /merge conflict markers; run "npm install"/],
    [
      '{ "lockfileVersion": 1, "dependencies": {} }',
      /lockfileVersion 1, and only 2 and 3 are supported; run "npm install --package-lock-only/,
    ],
    ['{ "lockfileVersion": 3 }', /malformed at packages: /],
    ['[]', /malformed at its top: /],
    [
      '{ "lockfileVersion": 3, "packages": { "node_modules/a": { "dependencies": ["b"] } } }',
      /malformed at packages\["node_modules\/a"\]\["dependencies"\]: /,
    ],
  ])('the lock file %j is reported as %s', (text, message) => {
    expect(() => parseLockFile('package-lock.json', text)).toThrow(message)
  })

  test.each([
    [{ 'package.json': {}, 'yarn.lock': '' }, /has a yarn\.lock, but .* npm's package-lock\.json only$/],
    [{ 'package.json': {} }, /has no package-lock\.json; run "npm install --package-lock-only" there to make one$/],
    [{ 'notes.txt': '' }, /has no package\.json; give the folder of an npm project$/],
    [{ 'package-lock.json/nothing': '' }, /package-lock\.json can't be read: it is a folder$/],
  ])('a folder with %j is reported as %s', async (files, message) => {
    await expect(readLockedProject(await fixtureProject(files))).rejects.toThrow(message)
  })

  test('a folder that is none is reported', async () => {
    const folder = await fixtureProject({ file: '' })
    await expect(readLockedProject(`${folder}/nowhere`)).rejects.toThrow(
      /nowhere does not exist; give the folder of an npm project$/,
    )
    await expect(readLockedProject(`${folder}/file`)).rejects.toThrow(
      `${folder}/file is a file; give its folder: ${folder}`,
    )
  })
})
