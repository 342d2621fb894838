// A parcel that is under way for long, and answers meanwhile: where it goes may be changed until it is out for delivery.
import { createDocket, dataType, durableStep, graph, update, UpdateError } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

const Address = dataType('Address', z.string())
const OutForDelivery = dataType('OutForDelivery', z.object({ van: z.string() }))
const Delivery = dataType('Delivery', z.string())

// #region declare
const ChangeAddress = update('ChangeAddress', {
  input: z.object({ street: z.string() }),
  output: z.object({ from: z.string(), to: z.string() }),
  validate: ({ street }, view) => {
    if (street === view.get(Address)) throw new Error('that is where it was ordered to')
  },
})

const parcel = durableStep({
  name: 'Parcel',
  inputs: { address: Address },
  output: Delivery,
  receives: [ChangeAddress, OutForDelivery],
  run: async ({ address }, ctx) => {
    let to: string = address
    for (;;) {
      const message = await ctx.receive([ChangeAddress, OutForDelivery])
      if (message.type === 'OutForDelivery') return `${to}, by van ${message.value.van}`
      const from = to
      to = message.value.street
      await message.reply({ from, to })
    }
  },
})
const parcels = graph({ name: 'parcels', steps: [parcel] })
// #endregion

const clock = new VirtualClock()
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })
const docket = createDocket({ graphs: [parcels], store, clock })
await clock.settle(docket.start(parcels, Delivery, { Address: 'Elm Street 1' }, { id: 'parcel-7' }))
await clock.advance(3_600_000)

// #region update
const found = await clock.settle(docket.get('parcel-7'))
const change = (street: string, id?: string) => clock.settle(found!.update(ChangeAddress, { street }, { id }))

console.log(await change('Oak Street 2', 'request-1'))
// The answer was lost: under the same id it is the same request, and is not handled again.
console.log(await change('Oak Street 2', 'request-1'))
try {
  await change('Elm Street 1')
} catch (error) {
  if (!(error instanceof UpdateError)) throw error
  console.log(error.code, error.message)
}
// #endregion

await clock.settle(found!.signal(OutForDelivery, { van: '12' }))
console.log(await clock.settle(found!.result()))
console.log(await change('Oak Street 2', 'request-1'))
await change('Ash Street 3').catch((error: UpdateError) => console.log(error.code))
await clock.settle(docket.close())
