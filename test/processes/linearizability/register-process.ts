/** A process that runs registers, until it is killed. */
import { createDocket } from '../../../src/index.ts'
import { openStore } from '../store-address.ts'
import type { StoreAddress } from '../store-address.ts'
import { registers } from './register.ts'

if (import.meta.main) {
  const address = JSON.parse(process.argv[2]!) as StoreAddress
  const docket = createDocket({
    graphs: Object.values(registers),
    store: openStore(address),
    lease: '1s',
    park: '500ms',
  })
  await docket.list({ limit: 1 })
  setInterval(() => {}, 1_000)
}
