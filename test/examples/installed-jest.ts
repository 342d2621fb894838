import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const wanted = join(import.meta.dirname, 'jest')
const cache = resolve(import.meta.dirname, '../../node_modules/.cache')

/** The folder that has Jest, installed for its test alone: it has more packages than the whole project. */
export async function installedJest(): Promise<string> {
  const lock = readFileSync(join(wanted, 'package-lock.json'), 'utf8')
  const { packages } = JSON.parse(lock) as { readonly packages: Readonly<Record<string, { readonly version: string }>> }
  const folder = join(cache, `jest-${packages['node_modules/jest']!.version}`)
  if (!existsSync(folder)) await install(folder)
  return folder
}

/** All of it or nothing is there: a run that is broken off leaves no half of it. */
async function install(folder: string): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const unfinished = mkdtempSync(`${folder}-`)
  try {
    cpSync(wanted, unfinished, { recursive: true })
    const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
    // What `npm test` passes to its scripts about this project must not reach the npm of another one.
    const own = Object.entries(process.env).filter(
      ([name]) => !/^npm_(?:package|lifecycle|config_local_prefix)/.test(name),
    )
    const env = Object.fromEntries(own)
    await promisify(execFile)('npm', ['ci', ...options], { cwd: unfinished, env })
    if (!existsSync(folder)) renameSync(unfinished, folder)
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}
