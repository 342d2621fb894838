import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const here = import.meta.dirname
const require = createRequire(join(here, 'package.json'))
const wanted = (
  JSON.parse(readFileSync(join(here, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> }
).devDependencies

/** Installs the opponents if they are missing or of another version: they are not part of the project's own `npm ci`. */
export function installOpponents(): void {
  const missing = Object.entries(wanted).filter(([name, version]) => versionOf(name) !== version)
  if (missing.length === 0) return
  const command = 'npm ci --prefix test/bench'
  console.error(
    `The benchmark's opponents (${missing.map(([name]) => name).join(', ')}) are not installed. Running: ${command}`,
  )
  const { status } = spawnSync('npm', ['ci', '--prefix', here], { stdio: ['ignore', 'inherit', 'inherit'] })
  if (status === 0) return
  console.error(`That failed. Install them with \`${command}\`, then start again.`)
  process.exit(1)
}

/** A package's installed version; undefined if it is not installed. */
function versionOf(name: string): string | undefined {
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')) as { version: string }).version
    } catch {
      // Not in this folder; the next one up may have it.
    }
  }
  return undefined
}

/** All packages that take part, with their versions. */
export function versions(): Readonly<Record<string, string>> {
  const names = ['xstate', ...Object.keys(wanted)]
  return Object.fromEntries(names.map((name) => [name, versionOf(name) ?? 'not installed']))
}

/**
 * A package of the benchmark's own. The name is not known to the compiler on purpose: the project must type-check without the
 * opponents, so each opponent says itself which part of its package's types it uses.
 */
export async function load<Module>(name: string): Promise<Module> {
  return (await import(name)) as Module
}
