import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const aptGet = '/usr/bin/apt-get'

/** Where to get a server from. */
export interface ServerSource {
  /** For people. */
  readonly title: string
  /** The variable with a URL of one that runs already. */
  readonly variable: string
  readonly debianPackage: string
  /** Finds the programs that are needed; undefined when one is missing. */
  find(): Promise<Readonly<Record<string, string>> | undefined>
}

/** The programs of a server, installed where that is possible. @throws when there is no way to get them, naming the ways */
export async function programsOf(source: ServerSource): Promise<Readonly<Record<string, string>>> {
  await installedByOthers()
  const found = await source.find()
  if (found !== undefined) return found
  let reason = 'this is not a Debian system with root or passwordless sudo'
  const prefix = await rootPrefix()
  if (prefix !== undefined) {
    try {
      await install(source.debianPackage, prefix)
      const installed = await source.find()
      if (installed !== undefined) return installed
      reason = 'its programs were still not found after that'
    } catch (error) {
      const { stderr = '', message } = error as Error & { stderr?: string }
      reason = `${message}\n${stderr.split('\n').slice(-5).join('\n')}`.trim()
    }
  }
  throw new Error(
    `the tests need ${source.title}, and could not get it by themselves (${reason}). Three ways to provide it: ` +
      `(1) set ${source.variable} to the URL of one that runs, for tests only; ` +
      `(2) put its programs on the PATH, and they start their own; ` +
      `(3) on Debian, as root or with passwordless sudo, let them install it: apt-get install ${source.debianPackage}.`,
  )
}

/** A program's path; looked for on the PATH, where systems keep servers, and in more folders. */
export function findProgram(name: string, moreFolders: readonly string[] = []): string | undefined {
  const onPath = (process.env['PATH'] ?? '').split(delimiter)
  const folders = [...moreFolders, ...onPath, '/usr/sbin', '/usr/bin', '/usr/local/sbin', '/usr/local/bin']
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** All of the named programs, or undefined. */
export function findPrograms<Name extends string>(...names: readonly Name[]): Record<Name, string> | undefined {
  const found = names.map((name) => [name, findProgram(name)] as const)
  if (found.some(([, path]) => path === undefined)) return undefined
  return Object.fromEntries(found) as Record<Name, string>
}

export const isRoot = process.getuid?.() === 0

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** What makes a command run as root; undefined where that can't be, or nothing could be installed. */
async function rootPrefix(): Promise<readonly string[] | undefined> {
  if (!existsSync(aptGet)) return undefined
  if (isRoot) return []
  try {
    await run('sudo', ['-n', 'true'])
    return ['sudo', '-n']
  } catch {
    return undefined
  }
}

/** What is held, over all processes of tests, by the one that installs. */
export const lockFile = join(tmpdir(), `docket-tests-${process.getuid?.() ?? 0}.lock`)

/** Waits while another process installs: half of what is unpacked looks like all of it. */
async function installedByOthers(): Promise<void> {
  if (existsSync(aptGet)) await run('flock', ['--shared', lockFile, 'true'])
}

/** One after the other, over all processes: `update` waits for no lock of apt-get. */
async function install(debianPackage: string, prefix: readonly string[]): Promise<void> {
  // In run level 1 the package's own service isn't started; the tests have nothing to do with it.
  const apt = [...prefix, 'env', 'DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1', aptGet, '-q'].join(' ')
  const patience = '-o DPkg::Lock::Timeout=300'
  const script = `
    for attempt in $(seq 150); do
      ${apt} update 2>"$0" && break
      grep -q 'Could not get lock' "$0" || break
      sleep 2
    done
    cat "$0" >&2
    ${apt} ${patience} install -y --no-install-recommends "$1"`
  const errors = join(mkdtempSync(join(tmpdir(), 'docket-install-')), 'errors')
  try {
    await run('flock', [lockFile, 'sh', '-c', script, errors, debianPackage], { maxBuffer: 64 * 1024 * 1024 })
  } finally {
    rmSync(dirname(errors), { recursive: true })
  }
}
