import { docket } from './docket.config.ts'
import { orders, Receipt } from './graphs.ts'

await using shop = docket()

// An id makes it one execution, however often this program is started: its result is there already then.
const order = { id: '7', cents: 1999 }
console.log(await shop.execute(orders, Receipt, { Order: order }, { id: `order:${order.id}` }))
