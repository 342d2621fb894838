/** A process of its own whose execution waits for an approval, until it is killed: it says when it waits, and what came of it. */
import { createDocket } from '../../src/index.ts'
import type { Duration } from '../../src/index.ts'
import { openStore } from './store-address.ts'
import type { StoreAddress } from './store-address.ts'
import { approvals, Shipment } from './approvals.ts'

/** What it is told to do. */
export interface WaitingOrder {
  readonly address: StoreAddress
  readonly id: string
  readonly lease: Duration
}

if (import.meta.main) {
  const { address, id, lease } = JSON.parse(process.argv[2]!) as WaitingOrder
  const docket = createDocket({
    graphs: [approvals],
    store: openStore(address),
    lease,
    // What is another one's is for the test to go on with.
    takeOver: false,
    observers: [({ type }) => void (type === 'step.waiting' && process.stdout.write('waits\n'))],
  })
  const value = await docket.execute(approvals, Shipment, { Order: { id: 'o' } }, { id })
  process.stdout.write(`result ${value}\n`)
  await docket.close()
}
