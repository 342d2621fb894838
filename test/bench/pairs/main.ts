// `npm run bench:against -- <another checkout> [<measure>…]`: this checkout against another one, in interleaved pairs in one process.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type * as Docket from '../../../src/index.ts'
import type * as Memory from '../../../stores/memory/index.ts'
import type * as Sqlite from '../../../stores/sqlite/index.ts'
import { pairedMeasures } from './contenders.ts'
import type { Checkout } from './contenders.ts'
import { pair } from './pair.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '60' } },
})
const [other, ...named] = positionals
const rounds = Number(values.rounds)
const known = Object.keys(pairedMeasures)
const unknown = named.filter((name) => !known.includes(name))
if (other === undefined || unknown.length > 0 || !(rounds >= 10)) {
  if (unknown.length > 0) console.error(`unknown measure: ${unknown.join(', ')}`)
  console.error(`npm run bench:against -- <folder of another checkout, with its packages installed> [<measure>…] [--rounds <10 or more; 60>]
  measures: ${known.join(', ')}`)
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'docket-pairs-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

async function checkoutAt(root: string, name: string): Promise<Checkout> {
  const load = async (path: string): Promise<unknown> => import(pathToFileURL(join(root, path)).href)
  const { memoryStore } = (await load('stores/memory/index.ts')) as typeof Memory
  const { sqliteStore } = (await load('stores/sqlite/index.ts')) as typeof Sqlite
  const docket = (await load('src/index.ts')) as typeof Docket
  keepOneInFlight(docket)
  return { docket, memoryStore, sqliteStore: (path) => sqliteStore(`${path}-${name}`), folder }
}

/** As there always is one in a busy process: without it a full collection forgets the shapes of all objects, and compiled code with them. */
function keepOneInFlight({ dataType, execute, step, type, untypedGraph }: typeof Docket): void {
  const Never = dataType('Never', type<number>())
  const waits = step({ name: 'waits', output: Never, run: () => new Promise<number>(() => {}) })
  void execute(untypedGraph({ name: 'in-flight', steps: [waits] }), Never, {})
}

const before = await checkoutAt(resolve(other), 'before')
const after = await checkoutAt(resolve(import.meta.dirname, '../../..'), 'after')
console.log(`CPU time of this checkout over that of ${other}; ${rounds} interleaved rounds each`)
for (const name of named.length > 0 ? named : known) {
  const measure = pairedMeasures[name]!
  const { median, mean, low, high } = await pair(measure(before), measure(after), rounds)
  const figures = [median, mean, low, high].map((one) => one.toFixed(3))
  console.log(`${name.padEnd(15)} median ${figures[0]}   mean ${figures[1]}   95 % ${figures[2]} – ${figures[3]}`)
}
process.exit(0)
