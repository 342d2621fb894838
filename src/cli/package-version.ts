import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The version of this package, wherever its file lies in it. */
export function packageVersion(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
        string,
        unknown
      >
      if (name === 'docket') return String(version)
    } catch {
      // Not in this folder.
    }
    if (dirname(folder) === folder) return 'unknown'
  }
}
