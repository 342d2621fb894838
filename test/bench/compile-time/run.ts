// What typed graphs cost at compile time: `node test/bench/compile-time/run.ts [runs]` prints the medians of tsc's check time
// for the steps alone, with a graph of them, and with one `execute`, and what each adds.
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { generate } from './generate.ts'
import type { Shape, Stage } from './generate.ts'

const root = join(import.meta.dirname, '../../..')
const compiler = join(root, 'node_modules/.bin/tsc')
const stages = ['steps', 'graph', 'execute'] as const satisfies readonly Stage[]
const runs = Number(process.argv[2] ?? 7)

interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

function spreadOf(seconds: readonly number[]): Spread {
  const sorted = seconds.toSorted((a, b) => a - b)
  return { median: sorted[Math.floor(sorted.length / 2)]!, least: sorted[0]!, most: sorted.at(-1)! }
}

/** Seconds that tsc says it took to check the program. @throws when it does not compile */
function checkSeconds(folder: string): number {
  const { stdout } = spawnSync(compiler, ['-p', folder, '--extendedDiagnostics', '--pretty', 'false'], {
    encoding: 'utf8',
  })
  const errors = stdout.split('\n').filter((line) => line.includes('error TS'))
  if (errors.length > 0) throw new Error(`the generated program does not compile:\n${errors.slice(0, 3).join('\n')}`)
  return Number(/Check time:\s+([\d.]+)s/.exec(stdout)?.[1])
}

/** Stages take turns, so that a slow spell of the machine falls on all of them. */
function measure(shape: Shape, count: number, times: number): Readonly<Record<Stage, Spread>> {
  const cache = join(root, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const home = mkdtempSync(join(cache, 'docket-compile-time-'))
  const seconds: Record<Stage, number[]> = { steps: [], graph: [], execute: [] }
  try {
    for (const stage of stages) {
      mkdirSync(join(home, stage))
      writeFileSync(join(home, stage, 'program.ts'), generate(shape, count, stage, '../../../../src'))
      const config = {
        extends: join(root, 'tsconfig.json'),
        compilerOptions: { noUnusedLocals: false },
        include: [],
        exclude: [],
        files: ['program.ts'],
      }
      writeFileSync(join(home, stage, 'tsconfig.json'), JSON.stringify(config))
    }
    for (let run = 0; run < times; run++)
      for (const stage of stages) seconds[stage].push(checkSeconds(join(home, stage)))
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
  return { steps: spreadOf(seconds.steps), graph: spreadOf(seconds.graph), execute: spreadOf(seconds.execute) }
}

function versionOf(name: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(root, 'node_modules', name, 'package.json'), 'utf8'))
  return `${name} ${(manifest as { readonly version: string }).version}`
}

const text = ({ median, least, most }: Spread): string =>
  `${median.toFixed(2)} (${least.toFixed(2)}–${most.toFixed(2)})`
const added = (from: Spread, to: Spread): string => {
  const seconds = to.median - from.median
  return `${seconds < 0 ? '−' : '+'}${Math.abs(seconds).toFixed(2)}`
}

console.log(
  `check seconds, median (least–most) of ${runs} runs (the longest chain: of 1); ${versionOf('typescript')}, ${versionOf('zod')}, node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}`,
)
console.log('\n| shape | steps | steps alone | + graph | + execute | graph adds | graph and execute add |')
console.log('| --- | --- | --- | --- | --- | --- | --- |')
for (const [shape, count, times] of [
  ['layers', 50, runs],
  ['layers', 200, runs],
  ['layers', 500, runs],
  ['layers', 1000, runs],
  ['chain', 1000, runs],
  ['chain', 5000, 1],
] as const) {
  const { steps, graph, execute } = measure(shape, count, times)
  console.log(
    `| ${shape} | ${count} | ${text(steps)} | ${text(graph)} | ${text(execute)} | ${added(steps, graph)} | ${added(steps, execute)} |`,
  )
}
