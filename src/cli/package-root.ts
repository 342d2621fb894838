import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of this package, and its version, wherever this file lies in it. */
export function packageRoot(): { readonly folder: string; readonly version: string } {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
        string,
        unknown
      >
      if (name === 'docket') return { folder, version: String(version) }
    } catch {
      // Not in this folder.
    }
    if (dirname(folder) === folder) return { folder: import.meta.dirname, version: 'unknown' }
  }
}
