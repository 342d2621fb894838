import { appendFileSync, chmodSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build } from 'esbuild'
import type { Plugin } from 'esbuild'

const root = join(import.meta.dirname, '../..')
const outdir = join(root, 'dist/src/cli')

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string | { readonly 'docket-source': string; readonly default: string }>>
}
/** Where what users import lies in `dist`, by its source. */
const places = new Map(
  Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string' ? [] : [[join(root, target['docket-source']), join(root, target.default)] as const],
  ),
)

/** What users import is there already: it is loaded from there, so that a configuration and its command share it. */
const published: Plugin = {
  name: 'published',
  setup({ onResolve }) {
    onResolve({ filter: /\/index\.ts$/ }, ({ path, resolveDir }) => {
      const place = places.get(join(resolveDir, path))
      return place === undefined ? undefined : { path: relative(outdir, place), external: true }
    })
  },
}

// With `commander` in it, that is none of the packages that come with this one.
await build({
  absWorkingDir: root,
  entryPoints: [join(root, 'src/cli/main.ts')],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  conditions: ['docket-source'],
  packages: 'bundle',
  external: ['xstate'],
  // Beside the entry, since they all name what is published by the same relative paths.
  chunkNames: '[name]-[hash]',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [published],
})
// What is within it comes with its license.
const license = readFileSync(join(root, 'node_modules/commander/LICENSE'), 'utf8')
appendFileSync(join(outdir, 'main.js'), `\n/*\nThis program contains commander:\n\n${license.trim()}\n*/\n`)
chmodSync(join(outdir, 'main.js'), 0o755)
