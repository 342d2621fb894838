/** Everything that happens in an execution is an event; pino logs them, and lends its logger to `ctx.log`. */
import { dataType, execute, graph, step, type } from 'docket'
import { pinoObserver } from 'docket/observers/pino'
import { pino } from 'pino'

const OrderID = dataType('OrderID', type<number>())
const Invoice = dataType('Invoice', type<string>())

// #region step
const writeInvoice = step({
  name: 'WriteInvoice',
  inputs: { order: OrderID },
  output: Invoice,
  retry: { maxAttempts: 2 },
  run: ({ order }, { attempt, log }) => {
    log.info({ order }, 'writing') // carries execution id, step and attempt
    if (attempt === 1) throw new Error('the printer is out of paper')
    return `invoice for order ${order}`
  },
})
// #endregion

// #region observers
const logger = pino({ level: 'info', base: null, timestamp: false })
const invoices = graph({ name: 'invoices', steps: [writeInvoice], observers: [pinoObserver(logger)] })

const attempts = new Map<string, number>()
const invoice = await execute(
  invoices,
  Invoice,
  { OrderID: 7 },
  {
    id: 'order-7',
    // Any function is an observer; this one counts.
    observers: [
      (event) => {
        if (event.type === 'attempt.started') attempts.set(event.step, event.attempt)
      },
    ],
  },
)
// #endregion
logger.info({ attempts: attempts.get('WriteInvoice') }, invoice)
