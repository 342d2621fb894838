/** A page on this machine that shows what a docket does, and lets people do something about it. */
import { createDocket, dataType, graph, signal, step } from 'docket'
import { createInspector } from 'docket/inspector'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

const Order = dataType('Order', z.object({ id: z.string() }))
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Parcel = dataType('Parcel', z.string())
const ship = step({
  name: 'Ship',
  inputs: { order: Order, approval: Approval },
  output: Parcel,
  run: ({ order, approval }) => `parcel of ${order.id}, approved by ${approval.by}`,
})
const orders = graph({ name: 'orders', steps: [signal(Approval), ship] })
const store = memoryStore()
await using docket = createDocket({ graphs: [orders], store })

// #region open
await using inspector = await createInspector({ docket, allowActions: true, user: 'ada' })
// To be opened in a browser. What follows the # is the token: whoever has the URL may look, and act.
const { url } = inspector
// #endregion

const { origin, hash } = new URL(url)
const token = new URLSearchParams(hash.slice(1)).get('token')!
const order = await docket.start(orders, Parcel, { Order: { id: 'order 7' } }, { id: 'order:7' })

// What the page does, done by hand.
const headers = { 'x-docket-token': token, 'content-type': 'application/json' }
const shown = (await (await fetch(`${origin}/api/execution?id=order:7`, { headers })).json()) as {
  readonly steps: readonly { readonly step: string; readonly status: string; readonly waitsFor?: string }[]
}
for (const { step, status, waitsFor } of shown.steps) console.log(`${step}: ${status}, for ${waitsFor ?? 'nothing'}`)
const act = { act: 'signal', id: 'order:7', type: 'Approval', value: { by: 'ada' } }
const answer = await fetch(`${origin}/api/acts`, { method: 'POST', headers, body: JSON.stringify(act) })
console.log(await answer.json())
console.log(await order.result())

// Without the token there is nothing to see.
console.log((await fetch(`${origin}/api/execution?id=order:7`)).status)

// #region beside
await using onlooker = createDocket({ graphs: [], store, takeOver: false })
await using beside = await createInspector({ docket: onlooker })
// #endregion
const other = new URL(beside.url)
const rows = await fetch(`${other.origin}/api/executions`, { headers: { 'x-docket-token': other.hash.slice(7) } })
const { executions } = (await rows.json()) as { readonly executions: readonly { id: string; status: string }[] }
for (const { id, status } of executions) console.log(`${id}: ${status}`)
