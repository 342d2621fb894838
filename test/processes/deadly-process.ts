/** A process of its own that a step kills as soon as it is called, again and again: it says which attempt that was. */
import { createDocket, dataType, fixed, graph, step, type } from '../../src/index.ts'
import { openStore } from './store-address.ts'
import type { StoreAddress } from './store-address.ts'

const Seed = dataType('Seed', type<number>())
const First = dataType('First', type<number>())
const Second = dataType('Second', type<number>())

if (import.meta.main) {
  const { address, scope } = JSON.parse(process.argv[2]!) as {
    readonly address: StoreAddress
    readonly scope: 'execution' | 'global'
  }
  const first = step({
    name: 'First',
    inputs: { value: Seed },
    output: First,
    persist: 'execution',
    run: ({ value }) => value,
  })
  const second = step({
    name: 'Second',
    inputs: { value: First },
    output: Second,
    persist: scope,
    retry: { maxAttempts: 2, backoff: fixed(0) },
    run: (_, { attempt }): number => {
      process.stdout.write(`attempt ${attempt}\n`)
      process.kill(process.pid, 'SIGKILL')
      return 0
    },
  })
  const deadly = graph({ name: 'deadly', steps: [first, second] })
  const docket = createDocket({ graphs: [deadly], store: openStore(address), lease: '1s' })
  await docket.execute(deadly, Second, { Seed: 1 }, { id: 'a' }).catch((error: unknown) => {
    process.stdout.write(`${String((error as Error).cause)}\n`)
  })
  await docket.close()
}
