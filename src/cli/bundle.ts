import { appendFileSync, chmodSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { Plugin } from 'esbuild'

const root = join(import.meta.dirname, '../..')
const outdir = join(root, 'dist/src/cli')

/** What is loaded by itself, from where it lies in `dist`. */
const besides: Plugin = {
  name: 'besides',
  setup({ onResolve }) {
    onResolve({ filter: /\/inspector\/[\w-]+\.ts$/ }, ({ path }) => ({
      path: `../inspector/${path.split('/').at(-1)!.replace(/\.ts$/, '.js')}`,
      external: true,
    }))
  },
}

// From some four hundred files a command would take four times as long to begin. With `commander` in it, that is none of the packages that come with this one.
await build({
  entryPoints: [join(root, 'src/cli/main.ts')],
  outdir,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  conditions: ['docket-source'],
  external: [
    'xstate',
    '@standard-schema/spec',
    'croner',
    'pg',
    'mysql2',
    'ioredis',
    'msgpackr',
    'bullmq',
    'pino',
    '@bufbuild/protobuf',
  ],
  chunkNames: 'chunks/[hash]',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [besides],
})
// What is within it comes with its license.
const license = readFileSync(join(root, 'node_modules/commander/LICENSE'), 'utf8')
appendFileSync(join(outdir, 'main.js'), `\n/*\nThis program contains commander:\n\n${license.trim()}\n*/\n`)
chmodSync(join(outdir, 'main.js'), 0o755)
