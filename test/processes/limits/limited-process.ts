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
  /** What has the limit, of each key: the step, or the queue. */
  readonly by: 'step' | 'queue'
  /** How long each step takes. */
  readonly stepMs: number
}

const Name = dataType('Name', type<string>())
const Done = dataType('Done', type<string>())

/** The graph that all of them have. `write` is called as a step begins, and as it ends. */
export function limitedGraph(
  { limit, by, stepMs }: Pick<LimitedOrder, 'limit' | 'by' | 'stepMs'>,
  write: (line: string) => void,
) {
  const work = step({
    name: 'Work',
    inputs: { name: Name },
    output: Done,
    ...(by === 'queue'
      ? { persist: 'execution' as const }
      : { concurrency: { limit, key: ({ name }: { readonly name: string }) => name[0]!, scope: 'graph' as const } }),
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
  const order = JSON.parse(process.argv[2]!) as LimitedOrder
  const { address, log, starts, limit, by } = order
  // One write at the end of the file: the order of the lines is that of what happened.
  const { graph: limited } = limitedGraph(order, (line) => appendFileSync(log, `${line}\n`))
  const queues = by === 'queue' ? { default: { concurrency: { limit, key: true } } } : {}
  const docket = createDocket({ graphs: [limited], store: openStore(address), queues, lease: '1s' })
  process.stdout.write('ready\n')
  await Promise.all(starts.map((id) => docket.start(limited, Done, { Name: id }, { id, key: id[0]! })))
  process.stdout.write('started\n')
}
