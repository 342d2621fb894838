/** A batch that is stopped in the middle and goes on in another docket: what was done is not done again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createDocket, dataType, graph, step } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const folder = mkdtempSync(join(tmpdir(), 'docket-'))
const file = join(folder, 'invoices.db')

const Customer = dataType('Customer', z.object({ number: z.number() }))
const Month = dataType('Month', z.string())
const Invoice = dataType('Invoice', z.string())

const sent: number[] = []
let stopAfter = 4

// #region graph
const send = step({
  name: 'SendInvoice',
  inputs: { customer: Customer, month: Month },
  output: Invoice,
  persist: 'execution',
  run: async ({ customer, month }) => {
    sent.push(customer.number)
    if (sent.length === stopAfter) void first.close({ drain: false }) // a deployment that can’t wait, say
    await delay(20)
    return `invoice of customer ${customer.number} for ${month}`
  },
})
const invoices = graph({ name: 'invoices', steps: [send] })

const customers = [11, 12, 13, 14, 15, 16, 17, 18].map((number) => ({ Customer: { number } }))
const startOn = (docket: typeof first) =>
  docket.startBatch(invoices, Invoice, customers, {
    id: 'invoices:2026-11',
    shared: { Month: 'November' },
    concurrency: 2,
    key: ({ Customer }) => `customer:${Customer.number}`, // what an item is found by after a restart
  })
// #endregion

const first = createDocket({ graphs: [invoices], store: sqliteStore(file) })
const batch = await startOn(first)
await batch.result().catch(() => {}) // it will not be made here
await first.close()
console.log(`the first process sent ${sent.length} of ${customers.length}`)

stopAfter = Infinity
const second = createDocket({ graphs: [invoices], store: sqliteStore(file) })
// The same id and the same items: the same batch. It goes on by itself, too; asking for it is how to get the result.
const results = await (await startOn(second)).result()
console.log(`together they sent ${sent.length}, none of them twice: ${new Set(sent).size === sent.length}`)
console.log(`${results.length} results, the last is the ${results.at(-1)}`)
await second.close()
rmSync(folder, { recursive: true })
