/** A step, a type and a graph get other names while an order is under way: it goes on, and is charged once. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDocket, dataType, graph, step } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const folder = mkdtempSync(join(tmpdir(), 'docket-'))
const file = join(folder, 'orders.db')

/** A bank that charges once for a key, however often it is called. */
const charged = new Set<string>()
const bank = {
  isUp: false,
  async charge(key: string): Promise<string> {
    charged.add(key)
    if (!bank.isUp) throw new Error('the bank’s answer was lost')
    return 'paid'
  },
}

// ── yesterday's program ──
const OldOrder = dataType('Order', z.object({ cents: z.number() }))
const Payment = dataType('Payment', z.string())
const processPayment = step({
  name: 'ProcessPayment',
  inputs: { order: OldOrder },
  output: Payment,
  persist: 'execution',
  retry: { maxAttempts: 3, backoff: '1s' },
  run: (_, { idempotencyKey }) => bank.charge(idempotencyKey),
})
const orders = graph({ name: 'orders', steps: [processPayment] })
const yesterday = createDocket({ graphs: [orders], store: sqliteStore(file) })
const order = await yesterday.start(orders, Payment, { Order: { cents: 990 } }, { id: 'order:1' })
while ((await order.details()).steps[0]?.status !== 'retrying') await new Promise((resolve) => setTimeout(resolve, 10))
await yesterday.close({ deadline: 0 })
bank.isUp = true

// #region today
const Purchase = dataType('Purchase', z.object({ cents: z.number() }), { formerly: 'Order' })
const chargeCard = step({
  name: 'ChargeCard',
  formerly: 'ProcessPayment', // several: ['TheNameBeforeThis', 'TheFirstName']
  inputs: { purchase: Purchase },
  output: Payment,
  persist: 'execution',
  retry: { maxAttempts: 3, backoff: '1s' },
  run: (_, { idempotencyKey }) => bank.charge(idempotencyKey),
})
const purchases = graph({ name: 'purchases', formerly: 'orders', steps: [chargeCard] })
const today = createDocket({ graphs: [purchases], store: sqliteStore(file) })

// The same id is the same execution, whatever its parts were called when it began.
const payment = await today.execute(purchases, Payment, { Purchase: { cents: 990 } }, { id: 'order:1' })
console.log(`${payment}, with ${charged.size} idempotency key`)

const [found] = (await today.list({ graph: 'purchases' })).executions
console.log(found?.id, found?.graph, found?.inputs)
// #endregion

const { steps } = (await (await today.get('order:1'))?.details()) ?? { steps: [] }
for (const { step: name, status, attempt } of steps) console.log(`${name} ${status} in attempt ${attempt}`)
await today.close()
rmSync(folder, { recursive: true })
