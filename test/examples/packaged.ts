import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { packagedFolder } from './packaged-files.ts'

const root = resolve(import.meta.dirname, '../..')
let isBuilt = false

/**
 * What a program is run with, so that it imports Docket from the few files that are published for Node: to read and compile the sources
 * takes each process three times as long as most programs run.
 */
export function withPackaged(): readonly string[] {
  if (!isBuilt) build()
  isBuilt = true
  // What is published as modules alone is taken from the sources.
  return ['--conditions=docket-source', '--import', join(import.meta.dirname, 'import-packaged.ts')]
}

/** Puts one file after the other in its place: other workers may build the same at this moment, or run it. */
function build(): void {
  mkdirSync(packagedFolder, { recursive: true })
  const unfinished = mkdtempSync(`${packagedFolder}-`)
  try {
    execFileSync(process.execPath, [join(root, 'build.ts'), unfinished], { stdio: 'pipe' })
    const files = readdirSync(unfinished, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(unfinished, join(parentPath, name)))
    // First what the others import.
    for (const file of files.toSorted((one, other) => rankOf(one) - rankOf(other))) {
      const place = join(packagedFolder, file)
      mkdirSync(dirname(place), { recursive: true })
      renameSync(join(unfinished, file), place)
    }
  } finally {
    rmSync(unfinished, { recursive: true, force: true })
  }
}

function rankOf(file: string): number {
  return file.includes('chunks') ? 0 : 1
}
