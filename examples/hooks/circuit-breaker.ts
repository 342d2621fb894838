/** A hook with cockatiel's circuit breaker: while the circuit is open nobody calls the service, and no attempt is lost on it. */
import { circuitBreaker, ConsecutiveBreaker, handleAll, isBrokenCircuitError } from 'cockatiel'
import type { CircuitBreakerPolicy } from 'cockatiel'
import { createDocket, dataType, graph, RetryAfterError, step, type } from 'docket'
import type { Interceptor } from 'docket'
import { memoryStore } from 'docket/stores/memory'

const Customer = dataType('Customer', type<string>())
const Score = dataType('Score', type<string>())
let calls = 0
const rate = step({
  name: 'AskBureau',
  inputs: { customer: Customer },
  output: Score,
  retry: { maxAttempts: 3, backoff: '1ms' },
  run: ({ customer }, { attempt }) => {
    // The bureau is down for its first two calls.
    if (++calls <= 2) throw new Error('the bureau is down')
    return `${customer} is rated in attempt ${attempt}`
  },
})
const scores = graph({ name: 'scores', steps: [rate] })

// #region hook
function breaking(breaker: CircuitBreakerPolicy, halfOpenAfter: number): Interceptor {
  return {
    async step(_, next) {
      try {
        return await breaker.execute(() => next())
      } catch (error) {
        if (!isBrokenCircuitError(error)) throw error
        // Nobody was called, so this was no attempt; the next one is due when the circuit may have closed.
        throw new RetryAfterError(halfOpenAfter, { cause: error, countsAsAttempt: false })
      }
    },
  }
}

const halfOpenAfter = 200
const breaker = circuitBreaker(handleAll, { halfOpenAfter, breaker: new ConsecutiveBreaker(2) })
// #endregion

breaker.onBreak(() => console.log('the circuit opens'))
const opened = new Promise<void>((resolve) => void breaker.onBreak(() => resolve()))
breaker.onReset(() => console.log('the circuit closes'))
await using docket = createDocket({
  graphs: [scores],
  store: memoryStore(),
  interceptors: [breaking(breaker, halfOpenAfter)],
})
const since = performance.now()
const ask = (customer: string) => docket.execute(scores, Score, { Customer: customer })
const first = ask('ada')
await opened
// Comes while the circuit is open.
const second = ask('bob')
console.log(await first)
console.log(await second)
console.log(`the bureau was called ${calls} times; it had peace: ${performance.now() - since >= halfOpenAfter}`)
