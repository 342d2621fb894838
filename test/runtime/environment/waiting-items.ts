import { dataType, executeBatch, graph, timer, type } from '../../../src/index.ts'

// Says how many timers keep this process alive before, while and after 300 items wait for a time of day.

const N = dataType('N', type<number>())
const Woken = dataType('Woken', type<number>())
const pause = timer({ name: 'Pause', inputs: { n: N }, output: Woken, at: ({ n }) => new Date(n), value: ({ n }) => n })
const pauses = graph({ name: 'pauses', steps: [pause] })
const hostTimers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length

const before = hostTimers()
const controller = new AbortController()
const items = Array.from({ length: 300 }, () => ({ N: Date.now() + 600_000 }))
const all = executeBatch(pauses, Woken, items, { concurrency: 300, signal: controller.signal })
// Items begin over several turns where the machine is busy.
for (let turns = 0; turns < 1_000 && (turns < 100 || hostTimers() === 0); turns++)
  await new Promise((resolve) => setImmediate(resolve))
const meanwhile = hostTimers()
controller.abort(new Error('enough'))
const reason = await all.then(
  () => 'none',
  (error: Error) => (error.cause instanceof Error ? error.cause.message : error.message),
)
console.log(JSON.stringify({ before, meanwhile, reason, after: hostTimers() }))
