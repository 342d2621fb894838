/** A process of its own whose docket works on steps that all processes have a limit of; it writes into a file when each begins and ends, until somebody kills it. */
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDocket, dataType, graph, step, type } from '../../../src/index.ts'
import { openStore } from '../store-address.ts'
import type { StoreAddress } from '../store-address.ts'

/** What it is told to do. */
export interface LimitedOrder {
  readonly address: StoreAddress
  /** The file, which all processes write to. */
  readonly log: string
  /** Ids of the executions that it starts; the first letter is the key of each. */
  readonly starts: readonly string[]
  readonly limit: number
  /** How long each step takes. */
  readonly stepMs: number
}

const Name = dataType('Name', type<string>())
const Done = dataType('Done', type<string>())

/** The graph that all of them have. `write` is called as a step begins, and as it ends. */
export function limitedGraph(limit: number, stepMs: number, write: (line: string) => void) {
  const work = step({
    name: 'Work',
    inputs: { name: Name },
    output: Done,
    concurrency: { limit, key: ({ name }) => name[0]!, scope: 'graph' },
    run: async ({ name }) => {
      write(`+ ${process.pid} ${name}`)
      await sleep(stepMs)
      write(`- ${process.pid} ${name}`)
      return name
    },
  })
  return { graph: graph({ name: 'limited', steps: [work] }), Done }
}

if (import.meta.main) {
  const { address, log, starts, limit, stepMs } = JSON.parse(process.argv[2]!) as LimitedOrder
  // One write at the end of the file: the order of the lines is that of what happened.
  const { graph: limited } = limitedGraph(limit, stepMs, (line) => appendFileSync(log, `${line}\n`))
  const docket = createDocket({ graphs: [limited], store: openStore(address), lease: '1s' })
  process.stdout.write('ready\n')
  await Promise.all(starts.map((id) => docket.start(limited, Done, { Name: id }, { id })))
  process.stdout.write('started\n')
}
