/** Acts of people, on record before they are done, also where they come to nothing; and a list of what executions wait for, in words. */
import { createDocket, dataType, graph, signal, step, waitText } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

const Approval = dataType('Approval', z.object({ by: z.string() }))
const Payment = dataType('Payment', z.string())
const payouts = graph({
  name: 'payouts',
  steps: [
    signal(Approval),
    step({ name: 'Pay', inputs: { approval: Approval }, output: Payment, run: ({ approval }) => `by ${approval.by}` }),
  ],
})
await using docket = createDocket({ graphs: [payouts], store: memoryStore(), park: 0 })
for (const id of ['payout:7', 'payout:8']) await docket.start(payouts, Payment, {}, { id })

// #region desk
/** The page of an office: what waits, and for what. */
async function openPayouts(): Promise<string[]> {
  const { executions } = await docket.list({ graph: 'payouts', status: ['running', 'waiting'] })
  const lines = executions.map(async ({ id }) => {
    const { steps } = await (await docket.get(id))!.details()
    const waits = steps.flatMap(({ waitsFor }) => (waitsFor?.kind === 'signal' ? [waitText(waitsFor)] : []))
    return `${id} waits for ${waits.join(' and ')}`
  })
  return (await Promise.all(lines)).toSorted()
}

/** What somebody decides there: on record before it is done. */
async function approve(by: string, id: string): Promise<string> {
  const handle = await docket.get(id)
  if (handle === undefined) return 'there is no such payout'
  return docket.acts.perform(
    { by, act: 'approve', execution: id },
    () => handle.signal(Approval, { by }),
    (verdict) => (verdict === 'accepted' ? undefined : verdict),
  )
}
// #endregion
console.log(await openPayouts())

// #region audit
console.log(await approve('ada', 'payout:7'))
const handle = (await docket.get('payout:7'))!
await handle.result()
console.log((await handle.info()).status)
console.log(await approve('bob', 'payout:7'))
const { acts } = await docket.acts.list({ execution: 'payout:7' })
for (const { by, act, note } of acts.toReversed()) console.log({ by, act, note })
// #endregion
await docket.cancel('payout:8')
