import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { isRecord } from '../../core/is-record.ts'
import { readOf } from '../../core/thrown.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { packageRoot } from '../package-root.ts'
import { plain } from '../plain-text.ts'

const template = 'examples/first-project'
const files = ['graphs.ts', 'graphs.test.ts', 'main.ts', 'docket.config.ts', 'tsconfig.json']

/** `docket init`: writes a first project into an empty folder. */
export async function init(call: CliCall): Promise<ExitCode> {
  const { cwd } = call.streams
  const folder = resolve(cwd, call.args[0] ?? '.')
  await requireEmpty(folder)
  const { folder: root, version } = packageRoot()
  const source = call.text('docket') ?? (await installedFrom(root)) ?? `^${version}`
  await mkdir(folder, { recursive: true })
  for (const file of files) await copyFile(join(root, template, file), join(folder, file))
  const manifest = await manifestOf(root, nameOf(folder), source)
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  await writeFile(join(folder, '.gitignore'), 'node_modules/\n*.db\n*.db-shm\n*.db-wal\n')
  const written = [...files, 'package.json', '.gitignore'].toSorted()
  const where = relative(cwd, folder)
  call.printer.result({ folder, files: written }, () =>
    [
      `wrote a first project to ${plain(folder, 1_000)}: ${written.join(', ')}`,
      '',
      ...(where === '' ? [] : [`  cd ${quoted(plain(where, 1_000))}`]),
      '  npm install && npm start     # runs an order',
      '  npm test                     # its tests, in virtual time',
      '  npx docket list              # what has run',
      '  npm run inspect              # the same as a page',
    ].join('\n'),
  )
  return exitCodes.done
}

/** @throws CliError for a folder that holds anything */
async function requireEmpty(folder: string): Promise<void> {
  let found: readonly string[] = []
  try {
    found = await readdir(folder)
  } catch (error) {
    if (readOf(error, 'code') === 'ENOENT') return
    throw new CliError(exitCodes.refused, `${folder} can’t be written: ${(error as Error).message}`, { cause: error })
  }
  // A repository that has just been made is empty, too.
  const others = found.filter((name) => name !== '.git')
  if (others.length === 0) return
  throw new CliError(
    exitCodes.refused,
    `${folder} is not empty: it holds ${others.slice(0, 3).join(', ')}${others.length > 3 ? ` and ${others.length - 3} more` : ''}. Give an empty folder, or the name of a new one: docket init my-project`,
  )
}

/** The file that this package was installed from, where it was one; undefined where it came from a registry. */
async function installedFrom(root: string): Promise<string | undefined> {
  try {
    const modules = dirname(root)
    const lock: unknown = JSON.parse(await readFile(join(modules, '.package-lock.json'), 'utf8'))
    const resolved = readOf(readOf(readOf(lock, 'packages'), 'node_modules/docket'), 'resolved')
    if (typeof resolved !== 'string' || !resolved.startsWith('file:')) return undefined
    return `file:${resolve(dirname(modules), resolved.slice('file:'.length))}`
  } catch {
    // It is no package that npm has installed: a checkout of the repository.
    return basename(dirname(root)) === 'node_modules' ? undefined : `file:${root}`
  }
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w./\\-]+$/.test(path) ? path : `"${path}"`
}

/** A name that npm takes. */
function nameOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  return name === '' || name === 'docket' ? 'my-docket' : name
}

async function manifestOf(root: string, name: string, source: string): Promise<object> {
  const own: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  const tested = readOf(own, 'devDependencies')
  const versions = isRecord(tested) ? tested : {}
  const newer = (dependency: string): string => `^${String(versions[dependency])}`
  return {
    name,
    private: true,
    type: 'module',
    scripts: {
      start: 'node main.ts',
      test: 'node --test',
      types: 'tsc',
      inspect: 'docket inspect',
    },
    dependencies: { docket: source, xstate: newer('xstate'), zod: newer('zod') },
    devDependencies: { '@types/node': newer('@types/node'), typescript: newer('typescript') },
  }
}
