// Puts the packages of the inspector's server into the one file that names them, and what their licences ask for beside it: `npm run build`.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const packages = ['hono', '@hono/node-server', 'ws', 'preact']
const root = join(import.meta.dirname, '../..')
const built = join(root, 'dist/src/inspector')

await build({
  entryPoints: [join(root, 'src/inspector/web-packages.ts')],
  outfile: join(built, 'web-packages.js'),
  allowOverwrite: true,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  minify: true,
  // `ws` uses them where they are installed, and does without.
  external: ['bufferutil', 'utf-8-validate'],
  // What it requires of Node is not there for modules. A bundle of CommonJS has no URL of this one.
  banner: {
    js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url??process.cwd()+'/bundle.cjs');",
  },
  legalComments: 'none',
  logLevel: 'warning',
})
// What it declares is of packages that nobody has installed.
rmSync(join(built, 'web-packages.d.ts'), { force: true })

const licences = packages.map(
  (name) => `${name}\n\n${readFileSync(join(root, 'node_modules', name, 'LICENSE'), 'utf8').trim()}\n`,
)
writeFileSync(join(built, 'LICENSES.txt'), licences.join('\n---\n\n'))
