// Bundles what Node loads of the package, after the compiler has made modules of the sources: `npm run build`. Another folder than `dist` may be named.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { build, transform } from 'esbuild'

interface Target {
  readonly 'docket-source': string
  /** What bundlers take: modules as fine as the sources, of which they keep what a program needs. */
  readonly module?: string
  /** What Node takes: few files, since each of eight hundred costs it a third of a millisecond. */
  readonly default: string
}

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, string | Target>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
}

const entries = Object.values(manifest.exports).flatMap((target) =>
  typeof target === 'string' || target.module === undefined ? [] : [target],
)

// A Node that is too old fails at the first thing that it lacks, in whatever file comes first: so each says first which one it needs.
const versionCheck = join(import.meta.dirname, 'src/core/require-node.ts')
const { code: banner } = await transform(readFileSync(versionCheck, 'utf8'), { loader: 'ts' })

await build({
  absWorkingDir: import.meta.dirname,
  entryPoints: entries.map((target) => ({
    in: target['docket-source'],
    out: target.default.replace('./dist/node/', '').replace(/\.js$/, ''),
  })),
  outdir: join(resolve(process.argv[2] ?? join(import.meta.dirname, 'dist')), 'node'),
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  banner: { js: `{\n${banner}}` },
  conditions: ['docket-source'],
  external: [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)],
  legalComments: 'none',
  logLevel: 'warning',
})
