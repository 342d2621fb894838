import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** Where the tests have what `npm run build` makes for Node. */
export const packagedFolder = join(root, 'node_modules/.cache/packaged')

/** The file that Node loads for each import of the package; none for what is published as modules alone. */
export function packagedFiles(): ReadonlyMap<string, string> {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly exports: Readonly<Record<string, string | { readonly default: string }>>
  }
  return new Map(
    Object.entries(exports).flatMap(([path, target]) =>
      typeof target === 'string' || !target.default.startsWith('./dist/node/')
        ? []
        : [[path.replace('.', 'docket'), join(packagedFolder, target.default.replace('./dist/', ''))]],
    ),
  )
}
