/** Steps as methods of configured objects: the class is written once, each instance gives a step. */
import { dataType, execute, graph, step } from 'docket'
import { z } from 'zod'

const Price = dataType('Price', z.object({ usd: z.number() }))
const Euros = dataType('Euros', z.string())
const Yen = dataType('Yen', z.string())
const PriceTag = dataType('PriceTag', z.string())

// #region class
class Converter {
  readonly #currency: string
  readonly #rate: number

  constructor(currency: string, rate: number) {
    this.#currency = currency
    this.#rate = rate
  }

  convert({ price }: { readonly price: { readonly usd: number } }): string {
    return `${Math.round(price.usd * this.#rate)} ${this.#currency}`
  }
}

const euro = new Converter('EUR', 0.9)
const yen = new Converter('JPY', 150)

const toEuros = step({ name: 'ToEuros', inputs: { price: Price }, output: Euros, run: euro.convert.bind(euro) })
const toYen = step({ name: 'ToYen', inputs: { price: Price }, output: Yen, run: yen.convert.bind(yen) })
// #endregion

const printTag = step({
  name: 'PrintTag',
  inputs: { euros: Euros, yen: Yen },
  output: PriceTag,
  run: ({ euros, yen }) => `${euros} / ${yen}`,
})

const prices = graph({ name: 'prices', steps: [toEuros, toYen, printTag] })

console.log(await execute(prices, PriceTag, { Price: { usd: 20 } }))
