/** A new version of a program meets executions of the old one: it goes on with what fits, and says what does not. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDocket, dataType, graph, step } from 'docket'
import type { MigrateHook } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const folder = mkdtempSync(join(tmpdir(), 'docket-'))
const file = join(folder, 'bookings.db')

const Trip = dataType('Trip', z.string())
const Ticket = dataType('Ticket', z.string())

// ── yesterday's program: prices were numbers, and no train went ──
const OldPrice = dataType('Price', z.number())
const quoteThen = step({
  name: 'Quote',
  inputs: { trip: Trip },
  output: OldPrice,
  persist: 'execution',
  run: () => 120,
})
const bookThen = step({
  name: 'Book',
  inputs: { trip: Trip, price: OldPrice },
  output: Ticket,
  run: () => {
    throw new Error('no train today')
  },
})
const bookingsThen = graph({ name: 'bookings', steps: [quoteThen, bookThen] })

const yesterday = createDocket({ graphs: [bookingsThen], store: sqliteStore(file) })
await yesterday.execute(bookingsThen, Ticket, { Trip: 'Oslo–Bergen' }, { id: 'trip:1' }).catch(() => {})
await yesterday.close()

// #region today
// A stored value is trusted as long as its type has the same version. So the new shape gets a new one.
const Price = dataType('Price', z.object({ amount: z.number(), currency: z.string() }), { version: '2' })

const quote = step({
  name: 'Quote',
  inputs: { trip: Trip },
  output: Price,
  persist: 'execution',
  run: () => ({ amount: 130, currency: 'NOK' }),
})
const book = step({
  name: 'Book',
  inputs: { trip: Trip, price: Price },
  output: Ticket,
  run: ({ trip, price }) => `${trip} for ${price.amount} ${price.currency}`,
})
const bookings = graph({ name: 'bookings', steps: [quote, book] })
// #endregion

const withoutHook = createDocket({ graphs: [bookings], store: sqliteStore(file) })
await withoutHook.retry('trip:1').catch((error: Error) => console.log(error.message))
await withoutHook.close()

// #region migrate
const migrateBookings: MigrateHook = (execution) => {
  const old = execution.steps['Quote']
  if (old === undefined || old.typeVersion === '2') return execution
  const output = { amount: old.output as number, currency: 'NOK' }
  return { ...execution, steps: { ...execution.steps, Quote: { type: 'Price', typeVersion: '2', output } } }
}
const docket = createDocket({
  graphs: [bookings],
  store: sqliteStore(file),
  migrate: { bookings: migrateBookings },
})
const trip = await docket.retry('trip:1')
console.log(await trip.result()) // at yesterday's price: that is what was promised
// #endregion

await docket.close()
rmSync(folder, { recursive: true })
