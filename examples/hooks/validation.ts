/** A hook that checks inputs of steps by rules of the business, beyond what the schemas of types say. */
import { createDocket, dataType, graph, RefusedError, step, type } from 'docket'
import type { Interceptor } from 'docket'
import { memoryStore } from 'docket/stores/memory'

const Payment = dataType('Payment', type<{ readonly euros: number; readonly to: string }>())
const Receipt = dataType('Receipt', type<string>())
const pay = step({
  name: 'Pay',
  inputs: { payment: Payment },
  output: Receipt,
  retry: { maxAttempts: 5 },
  run: ({ payment }) => `${payment.euros} euros to ${payment.to}`,
})
const payments = graph({ name: 'payments', steps: [pay] })

// #region hook
/** By step, what its inputs must be; the text says what they are not. */
type Rules = Readonly<Record<string, (inputs: Readonly<Record<string, unknown>>) => string | undefined>>

function validation(rules: Rules): Interceptor {
  return {
    step(call, next) {
      const problem = Object.hasOwn(rules, call.step) ? rules[call.step]!(call.inputs) : undefined
      // No further attempt would find other inputs.
      if (problem !== undefined) throw new RefusedError(`${call.step}: ${problem}`)
      return next()
    },
  }
}
// #endregion

const rules: Rules = {
  Pay: ({ payment }) =>
    (payment as { euros: number }).euros > 1_000 ? 'more than 1,000 euros need a signature' : undefined,
}
await using docket = createDocket({ graphs: [payments], store: memoryStore(), interceptors: [validation(rules)] })
console.log(await docket.execute(payments, Receipt, { Payment: { euros: 10, to: 'Ada' } }))
await docket
  .execute(payments, Receipt, { Payment: { euros: 2_000, to: 'Bob' } })
  .catch(({ message, attempt }) => console.log(`${message} (attempts: ${attempt})`))
