import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Visitor } from 'oxc-parser'
import { expect, test } from 'vitest'
import { documents, readDocument } from '../docs/snippets.ts'
import { parseFile, readSourceFiles, root } from './source-file.ts'
import type { SourceFile } from './source-file.ts'

const files = readSourceFiles()
const written = files.filter((file) => !file.isGenerated)

test('the files are found', () => {
  const paths = files.map((file) => file.path)
  expect(paths).toEqual(
    expect.arrayContaining(['src/index.ts', 'machines/step.ts', 'examples/hello-world.ts', 'vitest.config.ts']),
  )
  expect(paths).toContain('test/architecture/house-rules.test.ts')
})

test('nothing is at the top but what belongs there', () => {
  const folders = ['src', 'machines', 'stores', 'examples', 'test', 'docs', 'node_modules', 'dist', 'coverage']
  const customary = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'build.ts',
    'vitest.config.ts',
    'knip.json',
  ]
  const texts = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE']
  const known = new Set([...folders, ...customary, ...texts])
  expect(readdirSync(root).filter((name) => !name.startsWith('.') && !known.has(name))).toEqual([])
  for (const name of texts) expect(existsSync(join(root, name)), name).toBe(true)
})

test('no file is longer than 400 lines', () => {
  const styles = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.css'),
  )
  expect(styles.length).toBeGreaterThan(0)
  for (const path of styles)
    expect(readFileSync(join(root, 'src', path), 'utf8').split('\n').length - 1, path).toBeLessThanOrEqual(400)
  expect(files.filter((file) => file.lineCount > 400).map((file) => `${file.path}: ${file.lineCount}`)).toEqual([])
})

test('files and folders have kebab-case names that say what is in them', () => {
  // `test/types` holds the tests of the types, which are the subject there.
  const bad = written.filter((file) =>
    file.path
      .replace(/^test\/types\//, '')
      .split('/')
      .some(isBadName),
  )
  expect(bad.map((file) => file.path)).toEqual([])
})

/** Words that name nothing in this field, each with the one to use. */
const riddles: readonly (readonly [RegExp, string])[] = [
  [/tenure/i, 'ownership'],
  [/tenant/i, 'owned work'],
  [/turnstile/i, 'admission'],
  [/gathering/i, 'collected values, a call batcher'],
  [/lookout/i, 'watcher'],
  [/arrivals?$/i, 'turns, outcomes'],
  [/doubt/i, 'uncertain'],
  [/begunAgain/i, 'until restarted'],
  [/^(helper|util)s?$/i, 'what it does'],
]

/** Names in code of those words: of files, and of what is declared. */
function riddlingNamesIn(file: SourceFile): readonly string[] {
  const names = new Set<string>(file.path.replace(/\.ts$/, '').split(/[/-]/))
  const note = (node: { readonly type: string; readonly name?: unknown } | null | undefined): void => {
    if (node?.type === 'Identifier' || node?.type === 'PrivateIdentifier') names.add(String(node.name))
  }
  new Visitor({
    ClassDeclaration: ({ id }) => note(id),
    FunctionDeclaration: ({ id }) => note(id),
    TSInterfaceDeclaration: ({ id }) => note(id),
    TSTypeAliasDeclaration: ({ id }) => note(id),
    VariableDeclarator: ({ id }) => note(id),
    MethodDefinition: ({ key }) => note(key),
    PropertyDefinition: ({ key }) => note(key),
    TSPropertySignature: ({ key }) => note(key),
    TSMethodSignature: ({ key }) => note(key),
  }).visit(file.program)
  return [...names].flatMap((name) => {
    const riddle = riddles.find(([word]) => word.test(name))
    return riddle === undefined ? [] : [`${file.path}: ${name}; say ${riddle[1]}`]
  })
}

test('no name is one of the words that are not used here', () => {
  expect(files.filter(({ path }) => /^(src|machines|stores)\//.test(path)).flatMap(riddlingNamesIn)).toEqual([])
})

test.each(['class Tenure {}', 'class Box { #lookout = 1 }', 'interface Box { doubt(): void }', 'const arrivals = []'])(
  'the name in `%s` is found',
  (text) => {
    expect(riddlingNamesIn(parseFile('src/made-up.ts', text))).toHaveLength(1)
  },
)

/** Words that read as riddles in comments and messages, each with what to write instead. */
const riddlingWords: readonly (readonly [RegExp, string])[] = [
  [/\b(tells?|told|telling)\b/i, 'say, report, emit, show'],
  [/\basked\b/i, 'requested, called, started'],
  [/\bworth\b/i, 'what it costs, what it saves'],
  [/\btext that is not empty\b/i, 'a non-empty string'],
  [/(^|[.:;|] )who\b/i, 'the process, the caller, the owner that'],
]

/** Comments, messages and titles with those words. */
function riddlesOf(file: SourceFile): readonly string[] {
  const texts = [...file.comments]
  new Visitor({
    Literal: ({ value }) => void (typeof value === 'string' && texts.push(value)),
    TemplateElement: ({ value }) => void texts.push(value.raw),
    JSXText: ({ value }) => void texts.push(value),
  }).visit(file.program)
  return texts.flatMap((text) => {
    const line = text.replaceAll(/\s*\n\s*\*?\s*/g, ' ').replace(/^\*?\s*/, '')
    const riddle = riddlingWords.find(([word]) => word.test(line))
    return riddle === undefined ? [] : [`${file.path}: ${line.slice(0, 120)}; write ${riddle[1]}`]
  })
}

test('no comment, message or title reads as a riddle', () => {
  expect(files.filter(({ path }) => /^(src|machines|stores|examples)\//.test(path)).flatMap(riddlesOf)).toEqual([])
})

test.each([
  '// It tells how many.',
  '/** Told of every event. */',
  "fail('it can’t be told apart')",
  'fail(`${name} must be a text that is not empty`)',
  '/**\n * Who waits gets a slot.\n */',
  '// The value that was asked for.',
])('the riddle in `%s` is found', (text) => {
  expect(riddlesOf(parseFile('src/made-up.ts', text))).toHaveLength(1)
})

/** Paragraphs, rows of tables and snippets of a document with those words. */
function riddlesIn(path: string, text: string): readonly string[] {
  return text.split(/\n\s*\n|\n(?=\||- |\d\. )/).flatMap((paragraph) => {
    const line = paragraph.replaceAll(/\s*\n\s*/g, ' ').replace(/^(?:[#>|-]+|\d\.) */, '')
    const riddle = riddlingWords.find(([word]) => word.test(line))
    return riddle === undefined ? [] : [`${path}: ${line.slice(0, 120)}; write ${riddle[1]}`]
  })
}

test('no guide reads as a riddle', () => {
  expect(documents().flatMap((path) => riddlesIn(path, readDocument(path)))).toEqual([])
})

test.each(['# What it tells', 'One\nis told.\n\nThe other', '| a | b |\n| Who | waits |', '- Who waits.\n- It'])(
  'the riddle in the document `%s` is found',
  (text) => {
    expect(riddlesIn('docs/made-up.md', text)).toHaveLength(1)
  },
)

test.each(['// An article for users who read tables.', '/** Stellar, retold. */', 'const told = 1'])(
  '`%s` is no riddle',
  (text) => {
    expect(riddlesOf(parseFile('src/made-up.ts', text))).toEqual([])
  },
)

/** The titles of a file's tests and of their groups, also behind `test.each(…)`. */
function titlesIn(file: SourceFile): readonly string[] {
  const titles: string[] = []
  new Visitor({
    CallExpression: ({ callee, arguments: [title] }) => {
      if (!/^(?:test|describe)\b/.test(file.text.slice(callee.start, callee.end))) return
      if (title?.type === 'Literal' && typeof title.value === 'string') titles.push(title.value)
      if (title?.type === 'TemplateLiteral') titles.push(file.text.slice(title.start + 1, title.end - 1))
    },
  }).visit(file.program)
  return titles
}

/** Titles that read as riddles, or that stand for a number of somebody's list. */
function riddlingTitlesIn(file: SourceFile): readonly string[] {
  return titlesIn(file)
    .filter((title) => /^[A-Z]\d+[a-f]?: /.test(title) || riddlingWords.some(([word]) => word.test(title)))
    .map((title) => `${file.path}: ${title}`)
}

test('the title of a test is a fact in plain words', () => {
  expect(files.filter(({ path }) => path.startsWith('test/')).flatMap(riddlingTitlesIn)).toEqual([])
})

test.each([
  "test('W12: a failure', () => {})",
  "test.each([1])('%s is told', () => {})",
  'describe(`what ${x} tells`, f)',
])('the title in `%s` is found', (text) => {
  expect(riddlingTitlesIn(parseFile('test/made-up.test.ts', text))).toHaveLength(1)
})

test('nothing is exported as default but configuration', () => {
  expect(
    files.filter((file) => file.hasDefaultExport && !/^[a-z]+\.config\.ts$/.test(file.path)).map((file) => file.path),
  ).toEqual([])
})

test('nothing is `any`', () => {
  expect(written.flatMap(anys)).toEqual([])
})

test('no comment leaves work for later', () => {
  const reminder = /\b(?:TODO|FIXME|XXX|HACK)\b/
  const notes = written.flatMap((file) =>
    file.comments.filter((comment) => reminder.test(comment)).map((comment) => `${file.path}: ${comment.trim()}`),
  )
  expect(notes).toEqual([])
})

test('nothing waits for a microtask in a way that fake timers hold up', () => {
  // The page has a browser to itself, and commands a process.
  const running = files.filter(({ path }) => /^(?:src|stores|machines)\//.test(path))
  const held = running.filter(
    ({ path, text }) =>
      /\bqueueMicrotask\(|\bnextTick\(/.test(text) &&
      !path.startsWith('src/inspector/page/') &&
      !path.startsWith('src/cli/'),
  )
  expect(held.map(({ path }) => path)).toEqual([])
})

test('nobody reaches into XState', () => {
  expect(written.flatMap(underscored)).toEqual([])
})

test.each([
  'ref._parent',
  'ref?._snapshot',
  "ref['_send']",
  'const { _relay } = system',
  "Reflect.get(ref, '_process')",
  'ref.system._register()',
])('reaching into XState with %s is found', (text) => {
  expect(underscored(parseFile('src/runtime/made-up.ts', text))).toHaveLength(1)
})

test('`any` is found wherever it stands, and not in a name', () => {
  expect(anys(parseFile('src/made-up.ts', 'const a = b as any\nfunction f(x: any[]): void {}'))).toHaveLength(2)
  expect(anys(parseFile('src/made-up.ts', "type AnyStep = 'any'\nexpect.any(Number)"))).toEqual([])
})

// A call has its arguments on the stack: some 120,000 of them are a RangeError, of whatever a caller or a database has very many.
test('no list is handed over as the arguments of a call that takes any number', () => {
  expect(files.filter(({ path }) => /^(src|machines|stores)\//.test(path)).flatMap(spreadArguments)).toEqual([])
})

test.each(['list.push(...more)', 'Math.max(0, ...sizes)', 'all?.concat(...lists)', 'list.push.apply(list, more)'])(
  'a list as the arguments of %s is found',
  (text) => {
    expect(spreadArguments(parseFile('src/made-up.ts', text))).toHaveLength(1)
  },
)

test('a list in a list, and as the arguments of a function that takes so many, is none', () => {
  const text = 'list.push([...more])\nrun(text, ...cells)\nMath.max(one, other)\nconst all = [...more, last]'
  expect(spreadArguments(parseFile('src/made-up.ts', text))).toEqual([])
})

function isBadName(segment: string): boolean {
  return (
    !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/.test(segment) ||
    /^(utils?|helpers?|common|misc|types)(\.ts)?$/.test(segment)
  )
}

function anys(file: SourceFile): readonly string[] {
  const found: string[] = []
  new Visitor({ TSAnyKeyword: ({ start }) => void found.push(placeOf(file, start)) }).visit(file.program)
  return found
}

/** XState's internals are the properties that start with one underscore; this project has none of its own, it uses `#private`. */
function underscored(file: SourceFile): readonly string[] {
  const found: string[] = []
  const check = (name: unknown, start: number): void => {
    if (typeof name === 'string' && /^_[a-z]/i.test(name)) found.push(`${placeOf(file, start)} ${name}`)
  }
  new Visitor({
    MemberExpression: ({ computed, property }) => {
      if (!computed && property.type === 'Identifier') check(property.name, property.start)
      if (computed && property.type === 'Literal') check(property.value, property.start)
    },
    ObjectPattern: ({ properties }) => {
      for (const property of properties) {
        if (property.type === 'Property' && property.key.type === 'Identifier') check(property.key.name, property.start)
      }
    },
    CallExpression: ({ callee, arguments: [, key] }) => {
      if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier' || callee.object.name !== 'Reflect')
        return
      if (key?.type === 'Literal') check(key.value, key.start)
    },
  }).visit(file.program)
  return found
}

const takesAnyNumber = new Set([
  'push',
  'unshift',
  'splice',
  'concat',
  'max',
  'min',
  'hypot',
  'fromCharCode',
  'fromCodePoint',
])

/** Calls that take as many arguments as there are, and get those of a list. */
function spreadArguments(file: SourceFile): readonly string[] {
  const found: string[] = []
  new Visitor({
    CallExpression: ({ callee, arguments: given, start }) => {
      if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return
      const { object, property } = callee
      const isApplied =
        property.name === 'apply' &&
        object.type === 'MemberExpression' &&
        object.property.type === 'Identifier' &&
        takesAnyNumber.has(object.property.name)
      const isSpread = takesAnyNumber.has(property.name) && given.some(({ type }) => type === 'SpreadElement')
      if (isApplied || isSpread) found.push(`${placeOf(file, start)} ${property.name}`)
    },
  }).visit(file.program)
  return found
}

function placeOf(file: SourceFile, position: number): string {
  return `${file.path}:${file.text.slice(0, position).split('\n').length}`
}
