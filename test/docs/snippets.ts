import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expectedOutputs } from '../examples/expected-outputs.ts'

export const root = resolve(import.meta.dirname, '../..')

/** A fenced block of a document, with the reference in the HTML comment above it. */
export interface Snippet {
  readonly language: string
  /** `examples/batch.ts`, `examples/batch.ts#collect`, `output of examples/batch.ts`; undefined where there is no comment. */
  readonly reference: string | undefined
  readonly code: string
  /** Where the code is in the document. */
  readonly start: number
  readonly end: number
}

const block = /(?:<!-- (?<reference>[^\n]*?) -->\n+)?^```(?<language>[a-z]*)\n(?<code>[\s\S]*?)^```$/gm

/** The documents whose snippets are checked. */
export function documents(): readonly string[] {
  const guides = readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
  return ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'examples/README.md', ...guides].filter((path) =>
    existsSync(join(root, path)),
  )
}

export function readDocument(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

/** All fenced blocks of a document. */
export function snippetsOf(text: string): readonly Snippet[] {
  return [...text.matchAll(block)].map((match) => {
    const { reference, language = '', code = '' } = match.groups!
    const end = match.index + match[0].length - '```'.length
    return { language, reference, code, start: end - code.length, end }
  })
}

/** Whether a block shows code or output of ours, which has to come from something that runs. */
export function needsSource({ language, reference }: Snippet): boolean {
  return reference !== undefined || ['ts', 'typescript', 'js', 'javascript', 'mts', 'tsx', ''].includes(language)
}

/**
 * What a reference stands for: a whole file, the region of a file between `// #region name` and its `// #endregion`, or the
 * output that the tests expect of an example.
 * @throws when there is no such thing
 */
export function sourceOf(reference: string): string {
  if (reference.startsWith('output of examples/')) {
    const expected = expectedOutputs[reference.slice('output of examples/'.length)]
    if (expected === undefined) throw new Error(`no test expects the ${reference}`)
    return `${expected.text}\n`
  }
  const [path = '', region] = reference.split('#')
  if (!path.startsWith('examples/'))
    throw new Error(`"${reference}" is not an example: snippets come from what the tests run`)
  const text = readFileSync(join(root, path), 'utf8')
  return region === undefined ? withoutMarkers(text) : regionOf(text, region, reference)
}

function regionOf(text: string, region: string, reference: string): string {
  const lines = text.split('\n')
  const first = lines.findIndex((line) => line.trim() === `// #region ${region}`)
  if (first === -1) throw new Error(`there is no region ${reference}`)
  let depth = 1
  const end = lines.findIndex((line, index) => {
    if (index <= first) return false
    if (line.trim().startsWith('// #region ')) depth++
    if (line.trim() === '// #endregion') depth--
    return depth === 0
  })
  if (end === -1) throw new Error(`region ${reference} has no end`)
  const inside = lines.slice(first + 1, end)
  const indent = Math.min(
    ...inside.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length),
  )
  return withoutMarkers(inside.map((line) => `${line.slice(indent)}\n`).join(''))
}

function withoutMarkers(text: string): string {
  return text.replaceAll(/^\s*\/\/ #(?:end)?region.*\n/gm, '')
}
