/** A process of its own that draws a workflow and starts it, until it is killed: no other process has the code that draws it. */
import { createDocket, exponential, untypedWorkflow } from '../../src/index.ts'
import { signupSteps } from './drawn-steps.ts'
import { openStore } from './store-address.ts'
import type { StoreAddress } from './store-address.ts'

/** What it is told to do. */
export interface DrawnOrder {
  readonly address: StoreAddress
  readonly id: string
  /** The node at which it hangs. */
  readonly hangs: string
  /** The ways in which a notice is sent: a node each. */
  readonly ways: readonly string[]
}

if (import.meta.main) {
  const { address, id, hangs, ways } = JSON.parse(process.argv[2]!) as DrawnOrder
  const { create, send, count, all } = signupSteps((text) => process.stdout.write(`${text}\n`), hangs)
  const docket = createDocket({ graphs: [], steps: all, store: openStore(address), lease: '1s' })
  let flow = untypedWorkflow('signup', { defaults: { retry: { maxAttempts: 3, backoff: exponential('10ms') } } }).add(
    'create',
    create,
    { email: `${id}@example` },
  )
  for (const by of ways) flow = flow.add(`send ${by}`, send, { by }, { dependsOn: ['create'] })
  flow = flow.add('count', count, {}, { dependsOn: ways.map((by) => `send ${by}`) })
  await docket.start(flow, { id })
  process.stdout.write('started\n')
}
