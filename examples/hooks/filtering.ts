/** A hook for some steps alone: by their names, or by how these begin or end. */
import { createDocket, dataType, graph, step, type } from 'docket'
import type { Interceptor } from 'docket'
import { memoryStore } from 'docket/stores/memory'

const Order = dataType('Order', type<string>())
const Charged = dataType('Charged', type<string>())
const Mailed = dataType('Mailed', type<string>())
const Pushed = dataType('Pushed', type<string>())
const Done = dataType('Done', type<string>())
const chargeCard = step({ name: 'ChargeCard', inputs: { o: Order }, output: Charged, run: ({ o }) => `charged ${o}` })
const sendMail = step({ name: 'SendMail', inputs: { c: Charged }, output: Mailed, run: ({ c }) => `mail: ${c}` })
const sendPush = step({ name: 'SendPush', inputs: { c: Charged }, output: Pushed, run: ({ c }) => `push: ${c}` })
const finish = step({ name: 'Finish', inputs: { m: Mailed, p: Pushed }, output: Done, run: ({ m, p }) => `${m}, ${p}` })
const orders = graph({ name: 'orders', steps: [chargeCard, sendMail, sendPush, finish] })

// #region filter
type Filter = (step: string) => boolean

const named =
  (...names: readonly string[]): Filter =>
  (step) =>
    names.includes(step)
const startsWith =
  (prefix: string): Filter =>
  (step) =>
    step.startsWith(prefix)
const endsWith =
  (suffix: string): Filter =>
  (step) =>
    step.endsWith(suffix)

/** The hook of another interceptor, for steps that pass the filter; others go on as if there were none. */
function forSteps(filter: Filter, { step }: Required<Pick<Interceptor, 'step'>>): Interceptor {
  return { step: (call, next) => (filter(call.step) ? step(call, next) : next()) }
}
// #endregion

/** An interceptor that says which attempts pass it. */
const saying = (word: string): Required<Pick<Interceptor, 'step'>> => ({
  step(call, next) {
    console.log(`${word}: ${call.step}`)
    return next()
  },
})
await using docket = createDocket({
  graphs: [orders],
  store: memoryStore(),
  interceptors: [
    forSteps(named('ChargeCard', 'Finish'), saying('named')),
    forSteps(startsWith('Send'), saying('prefix')),
    forSteps(endsWith('Card'), saying('suffix')),
  ],
})
console.log(await docket.execute(orders, Done, { Order: 'o-1' }))
