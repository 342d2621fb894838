// What stands around everything that a docket does: an audit log, a policy, checks, a circuit breaker, spans. The first one is outermost.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createDocket, dataType, graph, RefusedError, step, subgraph } from 'docket'
import type { Interceptor } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

const Customer = dataType('Customer', z.object({ id: z.string() }))
const Score = dataType('Score', z.number())
const Payment = dataType('Payment', z.string())
const Offer = dataType('Offer', z.string())

let isDown = false
const rate = step({
  name: 'AskBureau',
  inputs: { customer: Customer },
  output: Score,
  run: async ({ customer }, { headers }) => {
    if (isDown) throw new Error('the bureau is down')
    console.log(`  bureau: rates ${customer.id}, trace ${headers['traceparent']}`)
    return customer.id.length * 100
  },
})
const pay = step({ name: 'Pay', inputs: { score: Score }, output: Payment, run: ({ score }) => `paid at ${score}` })
const offer = step({
  name: 'Offer',
  inputs: { payment: Payment },
  output: Offer,
  run: ({ payment }) => `offer, ${payment}`,
})
const payments = graph({ name: 'payments', steps: [rate, pay] })
const offers = graph({ name: 'offers', steps: [subgraph(payments, Payment), offer] })

// #region audit
const audit: Interceptor = {
  async start(call, next) {
    try {
      await next()
      console.log(`audit: ${call.graph} began by ${call.by}`)
    } catch (error) {
      console.log(`audit: ${call.graph} did not begin: ${(error as Error).message}`)
      throw error
    }
  },
  async cancel(call, next) {
    await next()
    console.log(`audit: ${call.executionId} cancelled by ${call.by}: ${String(call.reason)}`)
  },
}
// #endregion

// #region policy
const allowed = new AsyncLocalStorage<ReadonlySet<string>>()

/** Children have their own start: a call that may make an offer need not be one that may pay. */
const policy: Interceptor = {
  async start(call, next) {
    if (allowed.getStore()?.has(call.graph) === false) throw new RefusedError(`you may not run ${call.graph}`)
    await next()
  },
}
// #endregion

// #region tracing
const tracing: Interceptor = {
  // Headers go on to children, and are there for whoever goes on with the execution.
  start: (call, next) =>
    next(call.headers['traceparent'] === undefined ? { headers: { ...call.headers, traceparent: '00-abc' } } : {}),
}
// #endregion

// #region validation
const checks: Readonly<Record<string, (value: unknown) => void>> = {
  AskBureau: (score) => {
    if ((score as number) > 850) throw new RangeError(`no score is ${score as number}`)
  },
}
const validation: Interceptor = {
  async step(call, next) {
    const value = await next()
    checks[call.step]?.(value)
    return value
  },
}
// #endregion

// #region filter
/** An interceptor for some steps alone. */
function forSteps(names: RegExp, { step }: Pick<Interceptor, 'step'>): Interceptor {
  return { step: (call, next) => (step !== undefined && names.test(call.step) ? step(call, next) : next()) }
}
// #endregion

// #region breaker
/** After so many failures in a row, fails at once; a program would use a library's, as `(call, next) => breaker.execute(() => next())`. */
function circuitBreaker(most: number): Pick<Interceptor, 'step'> {
  let failures = 0
  return {
    async step(call, next) {
      if (failures >= most) throw new RefusedError(`${call.step}: the circuit is open`)
      try {
        const value = await next()
        failures = 0
        return value
      } catch (error) {
        failures++
        throw error
      }
    },
  }
}
// #endregion

// #region docket
await using docket = createDocket({
  graphs: [offers],
  store: memoryStore(),
  interceptors: [audit, policy, tracing, forSteps(/^Ask/, circuitBreaker(2)), validation],
})
// #endregion

async function tryOffer(id: string): Promise<void> {
  await docket.execute(offers, Offer, { Customer: { id } }, { id }).then(
    (value) => console.log(value),
    (error: Error) => console.log(`${error.name}: ${((error.cause as Error | undefined) ?? error).message}`),
  )
}

await tryOffer('ada')
await allowed.run(new Set(['offers']), () => tryOffer('bo'))
await allowed.run(new Set(), () => tryOffer('cy'))
await tryOffer('somebody-else')
isDown = true
for (const id of ['di', 'ed', 'flo']) await tryOffer(id)
