// `npm run network`: two dockets on one server, and a network between that is hostile for a while, for many seeds.
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { placeKinds } from './places.ts'
import { makeTables, runHostile } from './hostile-run.ts'
import { shareServer } from '../servers/server-kinds.ts'

const usage = `npm run network -- [options]
  --store <name>   of: ${Object.keys(placeKinds).join(', ')}, all (default all)
  --seed <n>       the first one, of what happens to connections; not of when (default: by chance)
  --seeds <n>      how many, for each store (default 20)
  --hostile <ms>   for how long the network is hostile (default 3000)
  --bound <ms>     within how long everything must have gone on after that (default 60000)
  --executions <n> of each kind (default 4)`

const text = (value: string): { type: 'string'; default: string } => ({ type: 'string', default: value })
const { values: flags } = parseArgs({
  options: {
    store: text('all'),
    seed: text(String(Math.floor(Math.random() * 1e9))),
    seeds: text('20'),
    hostile: text('3000'),
    bound: text('60000'),
    executions: text('4'),
    help: { type: 'boolean', default: false },
  },
})

if (flags.help) console.log(usage)
else await main()

async function main(): Promise<void> {
  for (const [name, { server, placeOn }] of Object.entries(placeKinds)) {
    if (flags.store !== 'all' && flags.store !== name) continue
    const { urls, stop } = await shareServer(server)
    try {
      for (let seed = Number(flags.seed), left = Number(flags.seeds); left > 0; seed++, left--) {
        const began = performance.now()
        const plan = {
          seed,
          hostileMs: Number(flags.hostile),
          longestMuteMs: Infinity,
          boundMs: Number(flags.bound),
          executions: Number(flags.executions),
        }
        const place = await placeOn(urls, `net_${randomUUID().slice(0, 8)}`)
        await makeTables(place)
        const findings = await runHostile(place, plan)
        const seconds = ((performance.now() - began) / 1_000).toFixed(1)
        console.log(`${name}, seed ${seed}: ${findings.length === 0 ? 'fine' : 'FAILED'} in ${seconds} s`)
        for (const finding of findings) console.log(`  ${finding}`)
        if (findings.length > 0) process.exitCode = 1
      }
    } finally {
      await stop()
    }
  }
}
