import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { errorCodes } from 'docket'
import { describe, expect, test } from 'vitest'
import { readSourceFiles } from '../architecture/source-file.ts'
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

test('the map of the house in CONTRIBUTING.md has every folder of src, machines and stores', () => {
  const map = readDocument('CONTRIBUTING.md')
  const folders = new Set(
    readSourceFiles()
      .filter(({ path }) => /^(src|machines|stores)\//.test(path))
      .map(({ path }) => dirname(path)),
  )
  folders.delete('src')
  expect([...folders].filter((folder) => !map.includes(`\`${folder}/`)).toSorted()).toEqual([])
})

test('docs/options.md has every option', () => {
  const table = readDocument('docs/options.md')
  const told = new Set([...table.matchAll(/^\|[^|]*\| `(\w+)` +\|/gm)].map(([, option]) => option))
  const declared = readSourceFiles()
    .filter(({ path }) => path.startsWith('src/'))
    .flatMap(({ text }) => [
      ...text.matchAll(/^export interface (\w+(?:Options|Policy|Declaration|Choices))\b[\s\S]*?^}/gm),
    ])
    .filter(([, name]) => isPublic(name!))
    .flatMap(([declaration]) => [...declaration.matchAll(/@default (?:(?!\*\/)[\s\S])*\*\/\s*readonly (\w+)\?:/g)])
    .map(([, option]) => option)
  expect(declared).toEqual(expect.arrayContaining(['maxAttempts', 'ttl', 'concurrency', 'ordered', 'everyMs']))
  expect([...new Set(declared)].filter((option) => !told.has(option))).toEqual([])
})

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
