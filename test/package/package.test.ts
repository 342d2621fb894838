import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
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
import { delimiter, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type * as TypeChecker from '@arethetypeswrong/core'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundle } from './bundle.ts'

const root = resolve(import.meta.dirname, '../..')
const fixtures = join(import.meta.dirname, 'fixtures')
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'docket-package-')))
const project = join(folder, 'project')

interface Manifest {
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

/** Runs a program; a failure shows what it printed. */
async function run(cwd: string, program: string, ...args: readonly string[]): Promise<string> {
  // What `npm test` passes to its scripts about this project must not reach the npm of another one.
  const own = Object.entries(process.env).filter(([name]) => !/^npm_(package|lifecycle|config_local_prefix)/.test(name))
  const env = {
    ...Object.fromEntries(own),
    PATH: [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
  }
  try {
    const { stdout } = await promisify(execFile)(program, args, { cwd, env, maxBuffer: 16 * 1024 * 1024 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error })
  }
}

/** Packs a copy of the project, so that nothing is built in the project itself. */
async function pack(): Promise<string> {
  const copy = join(folder, 'source')
  mkdirSync(copy)
  for (const name of readdirSync(root)) {
    if (!['node_modules', 'dist', 'test'].includes(name) && !name.startsWith('.')) {
      cpSync(join(root, name), join(copy, name), { recursive: true, filter: (path) => !path.endsWith('node_modules') })
    }
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  // `npm run types` checks the sources; what is emitted is the same without, in less than half the time.
  const config = join(copy, 'tsconfig.build.json')
  const build = JSON.parse(readFileSync(config, 'utf8')) as { readonly compilerOptions: object }
  writeFileSync(config, JSON.stringify({ ...build, compilerOptions: { ...build.compilerOptions, noCheck: true } }))
  await run(copy, 'npm', 'pack', '--pack-destination', folder)
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz'))!,
  )
}

/** What a file holds, in a buffer that holds nothing else. */
function exactBytes(file: string): ArrayBuffer {
  return new Uint8Array(readFileSync(file)).buffer
}

/** The folders that hold files, or folders that do. */
function foldersOf(paths: readonly string[]): ReadonlySet<string> {
  const folders = new Set<string>()
  for (const path of paths)
    for (let folder = dirname(path); !folders.has(folder); folder = dirname(folder)) folders.add(folder)
  return folders
}

function install(...packages: readonly string[]): Promise<string> {
  return run(project, 'npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error', ...packages)
}

/** A package in the version that this project is tested with. */
function tested(name: string): string {
  return `${name}@${manifest.devDependencies[name]}`
}

async function compile(
  sources: readonly string[],
  module: string,
  moduleResolution: string,
  more: object = {},
): Promise<void> {
  const compilerOptions = {
    target: 'es2024',
    module,
    moduleResolution,
    lib: ['es2024'],
    types: ['node'],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    // Each more checks much of the libraries once more.
    checkers: 1,
    ...more,
  }
  const config = join(project, `tsconfig.${moduleResolution}.json`)
  writeFileSync(config, JSON.stringify({ compilerOptions, files: sources }))
  await run(project, 'tsc', '--project', config)
}

let archive: string
let files: readonly string[]

beforeAll(async () => {
  cpSync(fixtures, project, { recursive: true })
  writeFileSync(
    join(project, 'package.json'),
    JSON.stringify({ name: 'somebody-elses', private: true, type: 'module' }),
  )
  archive = await pack()
  files = (await run(folder, 'tar', '-tzf', archive))
    .trim()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''))
  await install(archive, tested('xstate'), tested('zod'), tested('@types/node'))
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the package holds what its exports name, and neither sources nor tests of its own', () => {
  const targets = Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string'
      ? [target]
      : Object.entries(target).flatMap(([condition, path]) => (condition === 'docket-source' ? [] : [path])),
  )
  expect(files).toEqual(expect.arrayContaining(targets.map((path) => path.replace('./', ''))))
  expect(files).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'LICENSE', 'package.json']))
  expect(
    files.filter(
      (path) =>
        !/^(dist\/(src|machines|stores)\/.+\.(js|d\.ts)|dist\/node\/.+\.js|dist\/src\/inspector\/LICENSES\.txt|(docs|examples)\/.+|machines\/README\.md|CONTRIBUTING\.md|README\.md|CHANGELOG\.md|LICENSE|package\.json)$/.test(
          path,
        ),
    ),
  ).toEqual([])
})

test('publint finds nothing to improve', async () => {
  const { messages } = await publint({ pack: { tarball: exactBytes(archive) } })
  expect(messages).toEqual([])
})

test('its types are right wherever ES modules are resolved: with Node, for require too, and with bundlers', async () => {
  // By its path: for what is under development, as the tests are, it has TypeScript, of which Node takes none from node_modules.
  const checker = join(root, 'node_modules/@arethetypeswrong/core/dist/index.js')
  const { checkPackage, createPackageFromTarballData } = (await import(
    pathToFileURL(checker).href
  )) as typeof TypeChecker
  const packed = createPackageFromTarballData(new Uint8Array(exactBytes(archive)))
  // Its own way goes through all files each time: that was half of what the check takes.
  const folders = foldersOf(packed.listFiles())
  packed.directoryExists = (path) => folders.has(path.replace(/\/$/, ''))
  const found = await checkPackage(packed)
  if (!found.types) throw new Error('the package has no types')
  expect(Object.keys(found.entrypoints).toSorted()).toEqual(Object.keys(manifest.exports).toSorted())
  // The resolution of Node 10 knows no `exports`; and that CommonJS gets an ES module is as it is meant: Node's `require` takes it.
  const others = found.problems.filter(
    (problem) =>
      !(problem.kind === 'NoResolution' && problem.resolutionKind === 'node10') && problem.kind !== 'CJSResolvesToESM',
  )
  expect(others).toEqual([])
})

test('Node loads it from few files, which all that is imported of it shares', async () => {
  const loaded = await run(
    project,
    process.execPath,
    '--input-type=module',
    '--eval',
    `import { registerHooks } from 'node:module'
    const urls = new Set()
    registerHooks({ load: (url, context, next) => (urls.add(url), next(url, context)) })
    await import('docket')
    const first = [...urls].filter((url) => url.includes('/docket/dist/'))
    for (const store of ['memory', 'sqlite']) await import('docket/stores/' + store)
    const all = [...urls].filter((url) => url.includes('/docket/dist/'))
    console.log(JSON.stringify({ first: first.length, all: all.length, apart: all.filter((url) => !url.includes('/dist/node/')) }))`,
  )
  const { first, all, apart } = JSON.parse(loaded) as { first: number; all: number; apart: readonly string[] }
  expect(first).toBeLessThanOrEqual(25)
  expect(all).toBeLessThanOrEqual(40)
  expect(apart).toEqual([])
})

test('a bundler takes of the package what a program needs, as of the sources', async () => {
  const program = `export { execute, step, graph, dataType, type } from 'docket'`
  const { atStart, sources } = await bundle(program, join(folder, 'bundle'), { root: project })
  expect(atStart).toBeLessThanOrEqual(65_000)
  expect(sources.filter((source) => source.includes('/dist/node/'))).toEqual([])
})

test('links of the documents in the package lead to files that are in it', () => {
  const documents = files.filter((path) => path.endsWith('.md'))
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'docs/using-from-xstate.md', 'machines/README.md']))
  const links = documents.flatMap((document) =>
    // Code may look like a link: `tools[name](text)`.
    [
      ...readFileSync(join(root, document), 'utf8')
        .replaceAll(/^```[^]*?^```/gm, '')
        .matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g),
    ].map(([, path = '']) => ({ document, to: join(dirname(document), path).replace(/\/$/, '') })),
  )
  expect(links.length).toBeGreaterThan(100)
  expect(links.filter(({ to }) => !files.some((file) => file === to || file.startsWith(`${to}/`)))).toEqual([])
})

test('nothing is installed with it but the types of Standard Schema, and the calendar of schedules', () => {
  const installed = readdirSync(join(project, 'node_modules')).filter((name) => !name.startsWith('.'))
  expect(installed.sort()).toEqual(['@standard-schema', '@types', 'croner', 'docket', 'undici-types', 'xstate', 'zod'])
})

test.each([
  ['nodenext', 'nodenext'],
  ['esnext', 'bundler'],
])(
  'TypeScript with module %s and moduleResolution %s takes the types, those of the store for PostgreSQL without pg too, library checks included',
  async (module, moduleResolution) => {
    await compile(['use.ts', 'use-postgres.ts'], module, moduleResolution)
  },
)

test('the strictest user can use the types', async () => {
  // Not with library checks: XState's own declarations don't pass with exactOptionalPropertyTypes.
  await compile(['use.ts'], 'nodenext', 'nodenext', {
    skipLibCheck: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
  })
})

test('an older Node says which one is needed, whatever of the package is loaded first', async () => {
  // As far as it can be put on: names that a module of an old Node does not export can only be looked for.
  const old = `Object.defineProperty(process.versions, 'node', { value: '20.20.2' })
    delete Map.groupBy
    process.getBuiltinModule = () => undefined`
  const preload = `data:text/javascript,${encodeURIComponent(old)}`
  const code = files.filter((path) => path.startsWith('dist/node/') && path.endsWith('.js'))
  const imports = code.flatMap((path) => [
    ...readFileSync(join(project, 'node_modules/docket', path), 'utf8').matchAll(/^import .* from "node:.*"/gm),
  ])
  expect(imports.length).toBeGreaterThan(5)
  expect(imports.map(([text]) => text).filter((text) => /node:sqlite|zstd|enableCompileCache/.test(text))).toEqual([])
  const command = join(project, 'node_modules/docket/dist/src/cli/main.js')
  for (const name of ['docket', 'docket/stores/sqlite', 'docket/codecs', 'docket/testing', command])
    await expect(
      run(project, process.execPath, '--import', preload, '--input-type=module', '--eval', `await import('${name}')`),
    ).rejects.toThrow('docket needs Node >= 24.15, but this is 20.20.2; install Node 24')
  await expect(run(project, process.execPath, '--import', preload, command, 'init', 'my-project')).rejects.toThrow(
    /failed:\nerror: docket needs Node >= 24\.15[^\n]*\n$/,
  )
})

test('an older JavaScript can require it', async () => {
  expect(await run(project, process.execPath, 'run.cjs')).toBe('42\n')
})

test('the inspector brings all that it needs, into bundles too', async () => {
  expect(await run(project, process.execPath, 'inspect.js')).toBe('200 401 101\n')
  for (const format of ['esm', 'cjs'] as const) {
    const { file } = await bundle(`import './inspect.js'`, join(project, format), { format, root: project })
    expect(await run(folder, process.execPath, file)).toBe('200 401 101\n')
  }
  expect(files).toContain('dist/src/inspector/LICENSES.txt')
})

test('a store of one’s own is put to the test with the test framework of Node', async () => {
  expect(await run(project, process.execPath, '--test', 'store-conformance.js')).toMatch(/\bfail 0\b/)
})

describe('the command line of the package', () => {
  test('npx docket writes a first project, which runs, passes its tests, compiles, and is looked at', async () => {
    const docket = (cwd: string, ...args: readonly string[]): Promise<string> =>
      run(cwd, 'npx', '--no', 'docket', ...args)
    expect(await docket(project, 'init', 'first')).toMatch(/npm install && npm start/)
    const first = join(project, 'first')
    // What `npm install` there would install lies in the folder above.
    const { dependencies } = JSON.parse(readFileSync(join(first, 'package.json'), 'utf8')) as Manifest
    expect(dependencies['docket']).toMatch(/^file:.*docket-.*\.tgz$/)
    expect(await run(first, 'npm', 'start', '--silent')).toBe('order 7: 19.99 paid, 1.2 kg shipped\n')
    expect(await run(first, 'npm', 'test', '--silent', '--', '--test-reporter=tap')).toMatch(/^# pass 2$/m)
    await run(first, 'tsc', '--project', 'tsconfig.json')
    const below = join(first, 'below')
    mkdirSync(below)
    for (const cwd of [first, below])
      expect(JSON.parse(await docket(cwd, 'list', '--json'))).toMatchObject({ id: 'order:7', status: 'completed' })
    expect(await docket(first, 'show', 'order:7', '--store', 'sqlite:orders.db')).toMatch(/Ship {2}completed/)
    expect(await docket(first, 'migrate', '--check', '--store', 'orders.db')).toMatch(/Z$/m)
  })

  test('npx docket inspect serves the page of the package', async () => {
    const bin = join(project, 'node_modules/.bin/docket')
    const inspecting = spawn(bin, ['inspect', '--store', 'sqlite:first/orders.db'], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(inspecting, 'exit')
    const [line] = (await once(inspecting.stdout, 'data')) as [Buffer]
    const page = await fetch(String(line).trim())
    expect({ status: page.status, type: page.headers.get('content-type') }).toEqual({
      status: 200,
      type: expect.stringMatching(/^text\/html/),
    })
    inspecting.kill('SIGINT')
    expect(await ended).toEqual([0, null])
  })

  test('it needs no package that is not installed with it', () => {
    expect(existsSync(join(project, 'node_modules/commander'))).toBe(false)
    expect(readFileSync(join(project, 'node_modules/docket/dist/src/cli/main.js'), 'utf8')).toMatch(
      /This program contains commander:[^]*MIT/,
    )
  })
})

describe('with the optional peers', () => {
  beforeAll(async () => void (await install(...['pino', '@bufbuild/protobuf', 'bullmq', 'ioredis'].map(tested))))

  test('JavaScript runs graphs, alone and as actors, with observers', async () => {
    expect(JSON.parse(await run(project, process.execPath, 'run.js'))).toEqual({
      executed: 'Hello, Ada!',
      batch: ['Hello, Bea!', 'Hello, Cy!'],
      actor: 'Hello, Dan!',
      states: true,
      logged: ['execution.started', 'execution.ended'],
      refused: 'GRAPH_INVALID',
    })
  })

  test.each([
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ])(
    'TypeScript with module %s and moduleResolution %s takes their types too, those of BullMQ without pg',
    async (module, moduleResolution) => {
      await compile(['use-peers.ts', 'use-bullmq.ts'], module, moduleResolution)
    },
  )
})
