import { createHash } from 'node:crypto'
import { mkdirSync, renameSync } from 'node:fs'
import { basename, join } from 'node:path'
import { buildSync } from 'esbuild'

const root = join(import.meta.dirname, '..')
const folder = join(root, 'node_modules/.cache/child-programs')
const built = new Map<string, string>()

/**
 * A program for child processes, with what it imports of this project, as one file. The tests start hundreds that live for a moment: from the
 * sources, each would spend seven times as long on reading them as it takes to begin.
 */
export function childProgram(path: string): string {
  let file = built.get(path)
  if (file === undefined) built.set(path, (file = build(path)))
  return file
}

function build(path: string): string {
  // Other checkouts may share the folder, and other workers build the same one at this moment.
  const name = `${basename(path, '.ts')}-${createHash('sha256').update(path).digest('hex').slice(0, 8)}`
  const file = join(folder, `${name}.mjs`)
  const unfinished = join(folder, `${name}-${process.pid}.unfinished`)
  mkdirSync(folder, { recursive: true })
  buildSync({
    entryPoints: [path],
    outfile: unfinished,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    packages: 'external',
    conditions: ['docket-source'],
    logLevel: 'silent',
  })
  renameSync(unfinished, file)
  return file
}
