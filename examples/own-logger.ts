/** `ctx.log` writes to any logger of pino's shape; `ctx.headers` brings what belongs to the call and not to the work. */
import { dataType, execute, graph, step, type } from 'docket'
import type { Logger } from 'docket'

const OrderID = dataType('OrderID', type<number>())
const Invoice = dataType('Invoice', type<string>())

// #region step
const writeInvoice = step({
  name: 'WriteInvoice',
  inputs: { order: OrderID },
  output: Invoice,
  run: ({ order }, { headers, log }) => {
    log.info({ order, request: headers['x-request-id'] }, 'writing')
    return `invoice for order ${order}`
  },
})
// #endregion
const invoices = graph({ name: 'invoices', steps: [writeInvoice] })

// #region logger
/** Fields first, then the message; `child` gives a logger whose lines have more fields. */
function consoleLogger(bindings: Record<string, unknown> = {}): Logger {
  const writer =
    (level: string) =>
    (fields: object, message = '') =>
      console.log(`${level}: ${message} ${JSON.stringify({ ...bindings, ...fields })}`)
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    child: (more) => consoleLogger({ ...bindings, ...more }),
  }
}

const headers = { 'x-request-id': 'r-42' }
await execute(invoices, Invoice, { OrderID: 7 }, { id: 'order-7', logger: consoleLogger(), headers })
// #endregion
