// `npm run size`: what a program takes of the package, gzipped, and how long a process takes to import it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { bundle } from './bundle.ts'

const root = resolve(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'docket-size-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const programs: Readonly<Record<string, string>> = {
  'types and steps alone': `export { dataType, step, type } from 'docket'`,
  'execute, step, graph, dataType, type': `export { execute, step, graph, dataType, type } from 'docket'`,
  '… and executeBatch': `export { execute, executeBatch, step, graph, dataType, type } from 'docket'`,
  '… and timer, signal, race': `export { execute, step, graph, dataType, type, timer, signal, race } from 'docket'`,
  '… and fromGraph': `export { execute, fromGraph, step, graph, dataType, type } from 'docket'`,
  '… and durableStep': `export { execute, durableStep, step, graph, dataType, type } from 'docket'`,
  'createDocket, step, graph, dataType, type': `export { createDocket, step, graph, dataType, type } from 'docket'`,
  everything: `export * from 'docket'`,
}

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1).padStart(6)} kB`
console.log(
  'gzipped, minified by esbuild, without xstate and zod:   at start   with what is loaded later   in one file',
)
for (const [name, program] of Object.entries(programs)) {
  const { atStart, whole } = await bundle(program, join(folder, 'split'))
  const one = await bundle(program, join(folder, 'one'), { split: false })
  console.log(`${name.padEnd(55)} ${kB(atStart)} ${kB(whole).padStart(20)} ${kB(one.whole).padStart(20)}`)
}

const installed = join(folder, 'installed')
mkdirSync(join(installed, 'node_modules/docket'), { recursive: true })
for (const name of readdirSync(join(root, 'node_modules')))
  if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(installed, 'node_modules', name))
const dist = join(installed, 'node_modules/docket/dist')
execFileSync('tsc', ['-p', join(root, 'tsconfig.build.json'), '--outDir', dist], { stdio: 'inherit' })
execFileSync(process.execPath, [join(root, 'build.ts'), dist], { stdio: 'inherit' })
symlinkSync(join(root, 'package.json'), join(installed, 'node_modules/docket/package.json'))

/** Milliseconds of the processor that a process takes, the median of some: a busy machine makes it slower, not this more. */
function processMs(code: string, cache?: string): number {
  const file = join(installed, 'program.mjs')
  const spent = `const { user, system } = process.cpuUsage(); console.log(user + system)`
  writeFileSync(file, `${code}\n${spent}`)
  const { NODE_COMPILE_CACHE: _, ...own } = process.env
  const env = cache === undefined ? own : { ...own, NODE_COMPILE_CACHE: cache }
  const times = Array.from({ length: 21 }, () => Number(execFileSync(process.execPath, [file], { env })) / 1000)
  return times.toSorted((a, b) => a - b)[10]!
}

const nothing = processMs('')
const cache = join(folder, 'cache')
const ms = (time: number): string => `${(time - nothing).toFixed(0)} ms`
console.log(`\na process that does nothing: ${nothing.toFixed(0)} ms of CPU (median of 21); what an import adds to it:`)
console.log(`import 'xstate':                            ${ms(processMs(`import 'xstate'`))}`)
console.log(`import 'docket':                            ${ms(processMs(`import 'docket'`))}`)
const modules = pathToFileURL(join(dist, 'src/index.js')).href
console.log(`the same as modules, a file for each source: ${ms(processMs(`import '${modules}'`))}`)
console.log(`import 'docket', with NODE_COMPILE_CACHE:   ${ms(processMs(`import 'docket'`, cache))}`)
console.log(
  `import 'docket/stores/sqlite' besides:      ${ms(processMs(`import 'docket'; import 'docket/stores/sqlite'`))}`,
)

/** How many files, and how large they are. */
function filesIn(directory: string): string {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter(({ name }) =>
    name.endsWith('.js'),
  )
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0)
  return `${files.length} files, ${kB(bytes).trim()}`
}
console.log(
  `\nfor Node: ${filesIn(join(dist, 'node'))}; for bundlers: ${filesIn(join(dist, 'src'))} and those of the stores`,
)
