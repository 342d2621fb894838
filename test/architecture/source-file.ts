import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative, resolve } from 'node:path'
import { parseSync } from 'oxc-parser'
import type { ParseResult } from 'oxc-parser'

/** One `import`, `export … from` or `import()` of a file. */
export interface ModuleImport {
  /** As it is written. */
  readonly from: string
  /** The imported file, by its path from the root; undefined for packages and built-ins. */
  readonly file: string | undefined
  /** Whether nothing is left of it at run time. */
  readonly isTypeOnly: boolean
}

/** A TypeScript or JavaScript file of the project. */
export interface SourceText {
  /** From the project's root, with slashes. */
  readonly path: string
  readonly text: string
}

/** The same, parsed. */
export interface SourceFile extends SourceText {
  readonly lineCount: number
  readonly imports: readonly ModuleImport[]
  readonly hasDefaultExport: boolean
  readonly comments: readonly string[]
  readonly program: ParseResult['program']
  readonly module: ParseResult['module']
  /** Whether a generator wrote it: names and style are the generator's. */
  readonly isGenerated: boolean
}

export const root = resolve(import.meta.dirname, '../..')

const folders = ['src', 'machines', 'stores', 'examples', 'test', 'docs/site']

/** Every file of code that is written (or generated) here: sources, tests, examples, benchmarks, configuration. */
export function readSourceFiles(): readonly SourceFile[] {
  return readSourceTexts().map(({ path, text }) => parseFile(path, text))
}

/** The same, for what needs no more than the text: to parse two thousand files takes seconds. */
export function readSourceTexts(): readonly SourceText[] {
  const inFolders = folders.flatMap((folder) => filesBelow(join(root, folder)))
  const atTop = readdirSync(root)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, name))
  return [...inFolders, ...atTop].map((file) => ({
    path: relative(root, file).replaceAll('\\', '/'),
    text: readFileSync(file, 'utf8'),
  }))
}

function filesBelow(folder: string): readonly string[] {
  let entries
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch {
    return [] // A folder that has nothing in it yet is not in a clone.
  }
  return entries.flatMap((entry) => {
    if (entry.name === 'node_modules' || entry.name.startsWith('.')) return []
    // What the site is made of, and it itself.
    if (folder.endsWith('site') && entry.isDirectory()) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return filesBelow(path)
    return /\.(?:[cm]?[jt]s|tsx)$/.test(entry.name) ? [path] : []
  })
}

/** Parses one file. @throws when it has a syntax error */
export function parseFile(path: string, text: string): SourceFile {
  const parsed = parseSync(path, text)
  const { module, comments, errors } = parsed
  if (errors.length > 0) throw new SyntaxError(`${path}: ${errors[0]!.message}`)
  const lines = text.split('\n')
  return {
    path,
    text,
    lineCount: lines.at(-1) === '' ? lines.length - 1 : lines.length,
    imports: importsOf(path, text, module),
    hasDefaultExport: module.staticExports.some(({ entries }) =>
      entries.some(({ exportName }) => exportName.kind === 'Default'),
    ),
    comments: comments.map(({ value }) => value),
    // Most of what parsing costs, and made when it is asked for alone.
    get program() {
      return parsed.program
    },
    module,
    isGenerated: text.startsWith('// @generated '),
  }
}

function importsOf(path: string, text: string, module: ParseResult['module']): readonly ModuleImport[] {
  const found: { from: string; isTypeOnly: boolean }[] = []
  for (const { moduleRequest, entries } of module.staticImports) {
    // `import 'x'` has no entries, and is there at run time.
    found.push({ from: moduleRequest.value, isTypeOnly: entries.length > 0 && entries.every(({ isType }) => isType) })
  }
  for (const { entries } of module.staticExports) {
    const [first] = entries
    if (first?.moduleRequest)
      found.push({ from: first.moduleRequest.value, isTypeOnly: entries.every(({ isType }) => isType) })
  }
  for (const { moduleRequest } of module.dynamicImports) {
    const argument = text.slice(moduleRequest.start, moduleRequest.end)
    // What is worked out at run time can't be followed; tests do it to compile fixtures.
    if (/^(['"`])[^$]*\1$/.test(argument)) found.push({ from: argument.slice(1, -1), isTypeOnly: false })
  }
  return found.map(({ from, isTypeOnly }) => ({
    from,
    isTypeOnly,
    file: from.startsWith('.') ? posix.join(dirname(path), from) : undefined,
  }))
}
