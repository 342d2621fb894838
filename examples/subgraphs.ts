// A graph within another one: its steps have an execution of their own, and what it needs are inputs of the one around it.
import { dataType, execute, graph, step, subgraph } from 'docket'
import { z } from 'zod'

const Address = dataType('Address', z.string())
const Weight = dataType('Weight', z.number())
const Label = dataType('Label', z.string())
const Delivery = dataType('Delivery', z.string())

const shipping = graph({
  name: 'shipping',
  steps: [
    step({
      name: 'PrintLabel',
      inputs: { address: Address, weight: Weight },
      output: Label,
      run: ({ address, weight }) => `${weight} g to ${address}`,
    }),
    step({
      name: 'Deliver',
      inputs: { label: Label },
      output: Delivery,
      run: ({ label }, { executionId }) => `${label}, by ${executionId}`,
    }),
  ],
})

const Order = dataType('Order', z.array(z.string()))
const HomeAddress = dataType('HomeAddress', z.string())
const ShopAddress = dataType('ShopAddress', z.string())
const Copy = dataType('Copy', z.string())
const Receipt = dataType('Receipt', z.array(z.string()))

// #region parent
const weigh = step({
  name: 'Weigh',
  inputs: { order: Order },
  output: Weight,
  run: ({ order }) => order.length * 100,
})
const confirm = step({
  name: 'Confirm',
  inputs: { delivery: Delivery, copy: Copy },
  output: Receipt,
  run: ({ delivery, copy }) => [delivery, copy],
})

const orders = graph({
  name: 'orders',
  steps: [
    weigh,
    subgraph(shipping, Delivery, { name: 'ShipHome', inputs: { Address: HomeAddress } }),
    subgraph(shipping, Delivery, { name: 'ShipCopy', inputs: { Address: ShopAddress }, output: Copy }),
    confirm,
  ],
})
const receipt = await execute(
  orders,
  Receipt,
  { Order: ['book', 'pen'], HomeAddress: 'Oslo', ShopAddress: 'Bergen' },
  { id: 'order-1' },
)
console.log(receipt.join('\n'))
// #endregion
