// If and else: a race over two steps with conditions. The one whose `when` says no is skipped.
import { dataType, execute, explain, graph, race, step } from 'docket'
import { z } from 'zod'

const Parcel = dataType('Parcel', z.object({ grams: z.number() }))
const Letter = dataType('Letter', z.string())
const Freight = dataType('Freight', z.string())
const Shipment = dataType('Shipment', z.string())

// #region when
const sendLetter = step({
  name: 'SendLetter',
  inputs: { parcel: Parcel },
  output: Letter,
  when: ({ parcel }) => parcel.grams <= 500,
  run: ({ parcel }) => `a letter of ${parcel.grams} g`,
})
const sendFreight = step({
  name: 'SendFreight',
  inputs: { parcel: Parcel },
  output: Freight,
  when: ({ parcel }) => parcel.grams > 500,
  run: ({ parcel }) => `freight of ${parcel.grams} g`,
})
const send = race({ name: 'Send', inputs: { letter: Letter, freight: Freight }, output: Shipment })

const shipping = graph({ name: 'shipping', steps: [sendLetter, sendFreight, send] })
console.log(await execute(shipping, Shipment, { Parcel: { grams: 20 } }))
console.log(await execute(shipping, Shipment, { Parcel: { grams: 2_000 } }))
// #endregion
console.log(String(explain(shipping, Shipment, { Parcel: { grams: 20 } })))
