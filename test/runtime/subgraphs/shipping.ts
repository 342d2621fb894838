import { z } from 'zod'
import { dataType, graph, optional, step } from '../../../src/index.ts'
import type { StepContext } from '../../../src/index.ts'

const Address = dataType('Address', z.string())
const Express = dataType('Express', z.boolean())
/** What is given is a text, and what is read a number: parsed twice, it would fail. */
export const Weight = dataType(
  'Weight',
  z.string().transform((text) => Number(text)),
)
const Label = dataType('Label', z.string())
export const Delivery = dataType(
  'Delivery',
  z.string().transform((text) => [text]),
)

/** Address and weight, and perhaps how fast, make a label; the label makes a delivery, by the given function. */
export function shippingOf(
  deliver: (label: string, context: StepContext) => string | Promise<string> = (label) => `delivered ${label}`,
  more: {
    readonly persist?: 'execution'
    readonly onPrint?: () => void
    readonly onUndo?: (what: string) => void
  } = {},
) {
  const print = step({
    name: 'Print',
    inputs: { address: Address, weight: Weight, express: optional(Express) },
    output: Label,
    persist: more.persist,
    run: ({ address, weight, express }) => {
      more.onPrint?.()
      return `${weight + 1} g to ${address}${express === true ? ', fast' : ''}`
    },
    ...(more.onUndo !== undefined && { compensate: () => more.onUndo!('label') }),
  })
  const deliverIt = step({
    name: 'Deliver',
    inputs: { label: Label },
    output: Delivery,
    run: ({ label }, context) => deliver(label, context),
    ...(more.onUndo !== undefined && { compensate: () => more.onUndo!('delivery') }),
  })
  return graph({ name: 'shipping', steps: [print, deliverIt] })
}
