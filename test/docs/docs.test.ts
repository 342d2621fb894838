import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import * as docket from 'docket'
import { errorCodes } from 'docket'
import { whyCodes } from '../../src/durable/why/why.ts'
import type { StoreLimits } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { mysqlStore } from 'docket/stores/mysql'
import { postgresStore } from 'docket/stores/postgres'
import { redisStore } from 'docket/stores/redis'
import { sqliteStore } from 'docket/stores/sqlite'
import { describe, expect, test } from 'vitest'
import { readSourceTexts } from '../architecture/source-file.ts'
import { documents, needsSource, readDocument, root, snippetsOf, sourceOf } from './snippets.ts'

describe.each(documents())('%s', (path) => {
  const text = readDocument(path)

  test.each(snippetsOf(text).filter(needsSource))(
    'has a snippet that is cut from what runs: $reference',
    ({ reference, code }) => {
      expect(reference, 'write <!-- examples/file.ts#region --> above the block').toBeDefined()
      expect(code, 'run `npm run docs:snippets`').toBe(sourceOf(reference!))
    },
  )

  test('has a block below each reference to an example', () => {
    const references = [...text.matchAll(/^<!-- ((?:output of )?examples\/\S+) -->$/gm)].map(([, name]) => name)
    expect(references).toEqual(snippetsOf(text).flatMap(({ reference }) => reference ?? []))
  })

  test('has links that lead somewhere', () => {
    const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)/g)]
    const lost = links.filter(([, file = '', anchor]) => {
      const target = file === '' ? path : join(dirname(path), file)
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && target.endsWith('.md') && !anchorsOf(readDocument(target)).includes(anchor)
    })
    expect(lost.map(([link]) => link)).toEqual([])
  })
})

test('docs/errors.md has a section for each error code, and for nothing else', () => {
  const headings = [...readDocument('docs/errors.md').matchAll(/^## `([A-Z_]+)`/gm)].map(([, code]) => code)
  expect(headings).toEqual([...errorCodes])
})

test('docs/why.md has a row for each reason, and for nothing else', () => {
  const rows = [...readDocument('docs/why.md').matchAll(/^\| `((?:step|execution)\.[A-Za-z]+)`/gm)].map(
    ([, code]) => code,
  )
  expect(rows).toEqual([...whyCodes])
})

test('each reason of why is found by a test', () => {
  const folder = join(import.meta.dirname, '../durable/why')
  const tests = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'))
  expect(whyCodes.filter((code) => !tests.some((text) => text.includes(`'${code}'`)))).toEqual([])
})

test('docs/stability.md says of every import, and of every name of docket, how far it stays as it is', () => {
  const text = readDocument('docs/stability.md')
  const { exports } = JSON.parse(readDocument('package.json')) as {
    readonly exports: Readonly<Record<string, unknown>>
  }
  const imports = Object.keys(exports).filter((path) => path !== './package.json')
  expect(imports.filter((path) => !text.includes(`\`docket${path.slice(1)}\``))).toEqual([])
  expect(Object.keys(docket).filter((name) => !text.includes(`\`${name}\``))).toEqual([])
  const named = [...text.matchAll(/`(docket\/[\w/]+)`/g)].map(([, path = '']) => path.replace('docket', '.'))
  expect(named.filter((path) => !imports.includes(path))).toEqual([])
})

test('the README leads to every guide', () => {
  const readme = readDocument('README.md')
  const guides = documents().filter((path) => path.startsWith('docs/'))
  expect(guides.filter((guide) => !readme.includes(`](${guide}`))).toEqual([])
})

test('the README is read in five minutes: it has 150 lines at most', () => {
  expect(readDocument('README.md').split('\n').length - 1).toBeLessThanOrEqual(150)
})

test('the list of examples has every example', () => {
  const listed = readDocument('examples/README.md')
  const examples = readdirSync(join(root, 'examples')).filter((name) => name !== 'README.md')
  expect(examples.filter((name) => !listed.includes(`](${name}`))).toEqual([])
})

test('the map of the house in CONTRIBUTING.md has every folder of src, machines and stores, and none that is gone', () => {
  const map = readDocument('CONTRIBUTING.md')
  const folders = new Set(
    readSourceTexts()
      .filter(({ path }) => /^(src|machines|stores)\//.test(path))
      .map(({ path }) => dirname(path)),
  )
  folders.delete('src')
  expect([...folders].filter((folder) => !map.includes(`\`${folder}/`)).toSorted()).toEqual([])
  const rows = [...map.matchAll(/^\| (`[^|]*\/`) +\|/gm)].flatMap(([, cell = '']) => [...cell.matchAll(/`([^`]+)`/g)])
  expect(rows.length).toBeGreaterThan(20)
  expect(rows.map(([, folder]) => folder!).filter((folder) => !existsSync(join(root, folder)))).toEqual([])
})

/** An option with a default, as its docstring has it. */
interface DeclaredOption {
  readonly owner: string
  readonly option: string
  readonly fallback: string
  /** The file that declares it. */
  readonly text: string
}

function declaredOptions(): readonly DeclaredOption[] {
  return readSourceTexts()
    .filter(({ path }) => /^(src|stores)\//.test(path))
    .flatMap(({ text }) =>
      [...text.matchAll(/^export interface (\w+(?:Options|Policy|Declaration|Choices))\b[\s\S]*?^}/gm)].flatMap(
        ([declaration, owner = '']) =>
          [...declaration.matchAll(/@default ((?:(?!\*\/)[\s\S])*?)\s*\*\/\s*readonly (\w+)\?:/g)].map(
            ([, fallback = '', option = '']) => ({ owner, option, fallback, text }),
          ),
      ),
    )
    .filter(({ owner }) => isPublic(owner))
}

/** The rows of the table: where an option is given, its name, its default. */
function optionRows(): readonly { readonly where: string; readonly option: string; readonly fallback: string }[] {
  let where = ''
  return [...readDocument('docs/options.md').matchAll(/^\| (.*?) +\| `(\w+)` +\| (.*?) +\|$/gm)].map(
    ([, first = '', option = '', fallback = '']) => {
      where = first.trim() === '' ? where : first
      return { where, option, fallback: fallback.replaceAll('`', '') }
    },
  )
}

const aValue = /^('[^']*'|[\d_]+(?: MiB)?|true|false|\{\}|Math\.random|process\.stderr)$/

test('docs/options.md has every option', () => {
  const told = new Set(optionRows().map(({ option }) => option))
  const declared = declaredOptions()
    .filter(({ owner }) => !/Store|Migration|Conformance/.test(owner))
    .map(({ option }) => option)
  expect(declared).toEqual(expect.arrayContaining(['maxAttempts', 'ttl', 'concurrency', 'ordered', 'everyMs']))
  expect([...new Set(declared)].filter((option) => !told.has(option))).toEqual([])
})

function limitIn(limits: StoreLimits | undefined, limit: string): string {
  return limits?.[limit as keyof StoreLimits]?.toLocaleString('en') ?? 'any length'
}

test('docs/options.md has the limits of the stores', () => {
  const rows = [...readDocument('docs/options.md').matchAll(/^\| `(\w+)`: [^|]+\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)]
  const shown = rows.map(([, limit = '', ...columns]) => [limit, ...columns.map((column) => column.trim())])
  const [memory, sqlite, postgres, mysql, redis] = [
    memoryStore(),
    sqliteStore(':memory:'),
    postgresStore('postgres://localhost/docket'),
    mysqlStore('mysql://localhost/docket'),
    redisStore('redis://localhost'),
  ].map(({ limits }) => limits)
  expect([mysql, redis]).toEqual([sqlite, sqlite])
  expect(shown).toEqual(
    Object.keys(postgres!).map((limit) => [limit, ...[postgres, sqlite, memory].map((one) => limitIn(one, limit))]),
  )
})

test('docs/options.md has the defaults of the docstrings, where they are values', () => {
  const rows = optionRows()
  const wrong: string[] = []
  let compared = 0
  for (const { owner, option, fallback } of declaredOptions()) {
    const places = sections[owner]
    const row = rows.find((each) => each.option === option && places?.some((place) => each.where.includes(place)))
    if (row === undefined || !aValue.test(fallback)) continue
    compared++
    const shown = fallback.replace(/^(\d+)_(\d+)$/, '$1,$2')
    if (!row.fallback.startsWith(shown)) wrong.push(`${owner}.${option}: ${fallback}, but: ${row.fallback}`)
  }
  expect(wrong).toEqual([])
  expect(compared).toBeGreaterThan(30)
})

test('docstrings have the defaults of the code, where it has them beside the option', () => {
  const wrong: string[] = []
  let compared = 0
  for (const { owner, option, fallback, text } of declaredOptions()) {
    if (!aValue.test(fallback)) continue
    const found = new RegExp(
      String.raw`\b${option} (?:=|\?\?) ('[^']*'|[\d_ *]+|true|false|\{\}|process\.stderr)(?=[,;)}\s])`,
    ).exec(text)
    if (found === null) continue
    compared++
    if (valueOf(found[1]!) !== valueOf(fallback)) wrong.push(`${owner}.${option}: ${fallback}, but: ${found[1]}`)
  }
  expect(wrong).toEqual([])
  expect(compared).toBeGreaterThan(10)
})

/** Where the table has the options of which declaration. */
const sections: Readonly<Record<string, readonly string[]>> = {
  StepDeclaration: ['`step({'],
  RetryPolicy: ['`retry: {'],
  ExponentialOptions: ['`exponential('],
  PersistPolicy: ['`persist: {'],
  ExecuteOptions: ['`execute(graph'],
  BatchOptions: ['`executeBatch('],
  StreamOptions: ['`streamBatch('],
  DocketOptions: ['`createDocket('],
  CloseOptions: ['`docket.close('],
  SqliteStoreOptions: ['`sqliteStore(', 'all three'],
  PostgresStoreOptions: ['`postgresStore(', 'both', 'all three'],
  MysqlStoreOptions: ['`mysqlStore(', 'both', 'all three'],
  RedisStoreOptions: ['`redisStore('],
  CompressionOptions: ['`compression('],
  EncryptionOptions: ['`encryption('],
  PinoObserverOptions: ['`pinoObserver('],
  ProgressOptions: ['`progressObserver('],
}

/** A value as it stands in a docstring or in code: numbers and sizes as numbers. */
function valueOf(text: string): string | number {
  const plain = text.trim().replaceAll('_', '')
  if (plain.endsWith(' MiB')) return Number.parseInt(plain, 10) * 1024 * 1024
  return /^[\d *]+$/.test(plain) ? plain.split('*').reduce((product, factor) => product * Number(factor), 1) : plain
}

/** Whether users can import the type, or give what it describes to something that they import. */
function isPublic(name: string): boolean {
  return !internalOptions.has(name)
}

/** Options of calls that only Docket itself makes. */
const internalOptions = new Set([
  'ConnectionOptions',
  'ExecutionActorOptions',
  'BatchingOptions',
  'ResolvedOptions',
  'SessionOptions',
  'ValueEncodingOptions',
])

/** The anchors that GitHub gives to headings. */
function anchorsOf(markdown: string): readonly string[] {
  const headings = [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
}
