// A worker, of which nothing but its docket keeps the process. The address of its store is given; "ready" is told once it has answered.
import { createDocket } from '../../src/index.ts'
import { relay } from './relay.ts'
import { openStore } from './store-address.ts'
import type { StoreAddress } from './store-address.ts'

const docket = createDocket({ graphs: [relay().relay], store: openStore(JSON.parse(process.argv[2]!) as StoreAddress) })
process.on('message', (message) => {
  if (message === 'close') void docket.close().then(() => process.disconnect())
})
// The channel is not to keep the process either.
process.channel!.unref()
if (process.argv[3] === 'asks') void docket.resume().then(() => process.send!('ready'))
