import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Who publishes data types, steps and graphs publishes their declarations: the types must survive that. A stranger's
// package here depends on docket's declaration files, emits its own, and a third one calls its graph.

const root = join(import.meta.dirname, '../..')
const fixtures = join(import.meta.dirname, 'fixtures')
let home: string
const told = { docket: '', publisher: '', caller: '', isolated: '' }

function compile(folder: string, files: readonly string[], compilerOptions: object): string {
  const config = {
    extends: join(root, 'tsconfig.json'),
    // One checker: each more checks much of the libraries once more.
    compilerOptions: { customConditions: [], noUnusedLocals: false, checkers: 1, ...compilerOptions },
    files,
    include: [],
    exclude: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(root, 'node_modules/.bin/tsc')
  return spawnSync(compiler, ['-p', folder, '--pretty', 'false'], { encoding: 'utf8', cwd: folder }).stdout
}

function copyFixtures(folder: string, files: readonly string[]): void {
  mkdirSync(folder, { recursive: true })
  for (const file of files) {
    const source = readFileSync(join(fixtures, file), 'utf8')
    writeFileSync(join(folder, file), source.replaceAll('../../../src/index.ts', 'docket'))
  }
}

beforeAll(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'docket-declarations-')))
  const emit = { noEmit: false, declaration: true, emitDeclarationOnly: true }

  const docket = join(home, 'node_modules/docket')
  mkdirSync(docket, { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(home, 'node_modules', name))
  }
  const manifest = { name: 'docket', type: 'module', exports: './src/index.d.ts' }
  writeFileSync(join(docket, 'package.json'), JSON.stringify(manifest))
  // `npm run types` checks the sources; what can't be declared is reported all the same.
  const unchecked = { ...emit, noCheck: true, rootDir: root, outDir: docket }
  told.docket = compile(docket, [join(root, 'src/index.ts')], unchecked)

  writeFileSync(join(home, 'package.json'), JSON.stringify({ type: 'module' }))
  const publisher = join(home, 'publisher')
  const caller = join(home, 'caller')
  copyFixtures(publisher, ['users.ts'])
  told.publisher = compile(publisher, ['users.ts'], { ...emit, rootDir: publisher, outDir: caller })

  const calls = ['equal.ts', 'calls-right.ts', 'graphs-right.ts', 'calls-wrong.ts']
  copyFixtures(caller, calls)
  told.caller = compile(caller, calls, {})

  const isolated = join(home, 'isolated')
  copyFixtures(isolated, ['annotated.ts', 'equal.ts'])
  const each = { ...emit, isolatedDeclarations: true, rootDir: isolated, outDir: join(isolated, 'out') }
  told.isolated = compile(isolated, ['annotated.ts', 'equal.ts'], each)
})

afterAll(() => rmSync(home, { recursive: true, force: true }))

test('docket emits its declarations', () => {
  expect(told.docket).toBe('')
})

test('exported data types, steps and graphs can be named: the front door exports the types they are made of', () => {
  expect(told.publisher).toBe('')
})

test('a graph known from its declaration file is checked as one known from its source', () => {
  const lines = told.caller.split('\n').filter((line) => /^\S+\(\d+,\d+\): error/.test(line))
  expect(lines.filter((line) => !line.startsWith('calls-wrong.ts('))).toEqual([])
  expect(told.caller).toContain(String.raw`no step of graph \"users\" produces \"Twin\"`)
  expect(told.caller).toContain("Property 'UserID' is missing in type '{}'")
  expect(told.caller).toContain(String.raw`no input of \"EnrichedUser\" is named \"Lokale\"`)
})

test('exports that say their types pass isolatedDeclarations', () => {
  expect(told.isolated).toBe('')
})
