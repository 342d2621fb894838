/** A process of its own with orders and their children, until it is killed: it says what its functions do, and when something waits. */
import type { ExecutionCommit, NewExecution } from '../../src/core/contracts/execution-record.ts'
import { createDocket } from '../../src/index.ts'
import { alteredStore } from '../durable/altered-store.ts'
import { family, Receipt } from './families.ts'
import { openStore } from './store-address.ts'
import type { StoreAddress } from './store-address.ts'

/** What it is told to do. */
export interface FamilyOrder {
  readonly address: StoreAddress
  /** The order that it starts. @default none: it goes on with children alone */
  readonly id?: string
  /** Whether it kills itself as soon as the child is created, before it knows that. */
  readonly diesOnceCreated?: boolean
  /** Whether it cancels the order once the child waits, and kills itself as soon as the child is cancelled, before it knows that. */
  readonly diesOnceCancelled?: boolean
}

if (import.meta.main) {
  const {
    address,
    id,
    diesOnceCreated = false,
    diesOnceCancelled = false,
  } = JSON.parse(process.argv[2]!) as FamilyOrder
  const { orders, shipping } = family((name, of) => say(`${name} of ${of}`), 600_000)
  const store = alteredStore(openStore(address), async (method, ask, [written]) => {
    const answer = await ask()
    const isChild =
      method === 'create' && (written as readonly NewExecution[]).some(({ parent }) => parent !== undefined)
    const isEnd =
      method === 'commit' &&
      (written as readonly ExecutionCommit[]).some((one) => one.id !== id && one.head?.status === 'cancelled')
    if ((isChild && diesOnceCreated) || (isEnd && diesOnceCancelled)) process.kill(process.pid, 'SIGKILL')
    return answer
  })
  const docket = createDocket({
    graphs: id === undefined ? [shipping] : [orders],
    store,
    lease: '1s',
    observers: [
      (event) => {
        if (event.type === 'step.waiting') say(`${event.step} of ${event.executionId} waits`)
        if (event.type === 'step.waiting' && event.step === 'Bell' && diesOnceCancelled) void docket.cancel(id!)
        if (event.type === 'execution.resumed') say(`${event.executionId} goes on`)
      },
    ],
  })
  if (id === undefined) setInterval(() => {}, 1_000)
  else await docket.execute(orders, Receipt, { Order: 'book' }, { id })
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
