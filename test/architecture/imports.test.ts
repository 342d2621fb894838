import { expect, test } from 'vitest'
import { importCycles, problemsOfImports } from './import-rules.ts'
import { parseFile, readSourceFiles } from './source-file.ts'

const files = readSourceFiles()

test('imports point one way', () => {
  expect(files.flatMap(problemsOfImports)).toEqual([])
})

test('no imports go in a circle; in src, machines and stores not even imports of types', () => {
  expect(importCycles(files)).toEqual([])
  expect(
    importCycles(
      files.filter(({ path }) => /^(src|machines|stores)\//.test(path)),
      true,
    ),
  ).toEqual([])
})

test.each([
  ['src/runtime/results/made-up.ts', "import type { StepRun } from '../execution/step-run.ts'"],
  ['src/runtime/batch/made-up.ts', "import type { ExecutionActor } from '../actors/execution-actor.ts'"],
  ['src/runtime/steps/made-up.ts', "import { compiledStep } from '../../../machines/index.ts'"],
  ['src/runtime/environment/made-up.ts', "import type { Execution } from '../execution/execution.ts'"],
  ['src/core/contracts/made-up.ts', "import { canonicalize } from '../values/keys.ts'"],
  ['src/core/values/made-up.ts', "import type { Step } from '../language/step.ts'"],
  ['src/durable/records/made-up.ts', "import type { Docket } from '../docket.ts'"],
])('in %s, %s is an arrow that is not allowed', (path, text) => {
  expect(problemsOfImports(parseFile(path, text))).toHaveLength(1)
})

test.each([
  'src/runtime/attic/made-up.ts',
  'src/core/attic/made-up.ts',
  'src/durable/attic/made-up.ts',
  'src/attic.ts',
])('%s is in no room', (path) => {
  expect(problemsOfImports(parseFile(path, ''))).toEqual([expect.stringContaining('no rule says what it may import')])
})

test.each([
  ["import { mysqlStore } from '../mysql/index.ts'", 'stores/postgres may not import stores/mysql/index.ts'],
  ["import { execute } from '../../src/runtime/execute.ts'", 'stores/postgres may not import src/runtime/execute.ts'],
  ["import mysql from 'mysql2'", 'stores/postgres may not import mysql2'],
])('in an adapter, %s is found', (text, problem) => {
  expect(problemsOfImports(parseFile('stores/postgres/made-up.ts', text))).toEqual([
    `stores/postgres/made-up.ts: ${problem}`,
  ])
})

test('every relative import names a file that exists, with its extension', () => {
  const known = new Set(files.map((file) => file.path))
  const lost = files.flatMap((file) =>
    file.imports.flatMap(({ file: target }) =>
      target === undefined || known.has(target) || /\.(json|html|css)$/.test(target) ? [] : [`${file.path}: ${target}`],
    ),
  )
  expect(lost).toEqual([])
})

test('the front door exports by name and holds nothing of its own', () => {
  const { text } = files.find((file) => file.path === 'src/index.ts')!
  const statements = text
    .replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    // First of all, a clear word to whoever runs an old Node: before anything is loaded that would fail there.
    .replace(/^import '\.\/core\/require-node\.ts'/, '')
    .split(/(?<=from '[^']*')/)
    .map((statement) => statement.trim())
  for (const statement of statements.filter((one) => one !== ''))
    expect(statement).toMatch(/^export (type )?\{[^}*]*\} from '\.\/(core|runtime|durable)\//)
})

test.each([
  ["import { z } from 'zod'", 'src/core may not import zod'],
  ["import type { z } from 'zod'", 'src/core may not import zod'],
  ["import { StandardSchemaV1 } from '@standard-schema/spec'", 'src/core may not import @standard-schema/spec'],
  ["export { execute } from '../runtime/execute.ts'", 'src/core may not import src/runtime/execute.ts'],
  ["export * from '../../machines/index.ts'", 'src/core may not import machines/index.ts'],
  ["const late = await import('xstate')", 'src/core may not import xstate'],
  ["import '../observers/pino.ts'", 'src/core may not import src/observers/pino.ts'],
])('in core, %s is found', (text, problem) => {
  expect(problemsOfImports(parseFile('src/core/made-up.ts', text))).toEqual([`src/core/made-up.ts: ${problem}`])
})

test.each([
  ["import { execute } from '../../src/index.ts'", 1],
  ["import { other } from '../two/other.ts'", 1],
  ["import { own } from './own.ts'\nimport { execute } from 'docket'", 0],
])('an example may import the package and its own files only: %s', (text, count) => {
  expect(problemsOfImports(parseFile('examples/one/main.ts', text))).toHaveLength(count)
})

test.each([
  [
    "import '../start/execution-request.ts'",
    ['src/durable/recovery may not import src/durable/start/execution-request.ts'],
  ],
  ["import type { Docket } from '../docket.ts'", ['src/durable/recovery may not import src/durable/docket.ts']],
  [
    "import { executionMachine } from '../../../machines/index.ts'",
    ['src/durable/recovery may not import machines/index.ts'],
  ],
  ["import type { DocketContext } from '../context/docket-context.ts'", []],
])('in a room of durable, %s is allowed only where the arrows point', (text, problems) => {
  const found = problemsOfImports(parseFile('src/durable/recovery/made-up.ts', text))
  expect(found).toEqual(problems.map((problem) => `src/durable/recovery/made-up.ts: ${problem}`))
})

test('a file in no room is found', () => {
  expect(problemsOfImports(parseFile('src/durable/attic/made-up.ts', ''))).toHaveLength(1)
})

test.each([
  ['import', ['src/a.ts → src/b.ts → src/a.ts']],
  ['import type', []],
])('a circle is found, unless it is of types alone: %s', (keyword, cycles) => {
  const there = parseFile('src/a.ts', "import { b } from './b.ts'")
  const back = parseFile('src/b.ts', `${keyword} { a } from './a.ts'`)
  expect(importCycles([there, back])).toEqual(cycles)
})
