/** The two scopes side by side: a result for one execution, and a result for everybody with equal inputs. */
import { createDocket, dataType, graph, step } from 'docket'
import type { PersistScope } from 'docket'
import { sqliteStore } from 'docket/stores/sqlite'
import { z } from 'zod'

const City = dataType('City', z.string())
const Coordinates = dataType('Coordinates', z.object({ lat: z.number(), lon: z.number() }))
const Confirmation = dataType('Confirmation', z.string())

const runs: Record<string, number> = { Locate: 0, Book: 0 }

// #region steps
const locate = step({
  name: 'Locate',
  inputs: { city: City },
  output: Coordinates,
  persist: 'global', // a fact: it depends on the city and on nothing else
  run: () => {
    runs['Locate']!++
    return { lat: 59.9, lon: 10.8 }
  },
})
const book = step({
  name: 'Book',
  inputs: { city: City, place: Coordinates },
  output: Confirmation,
  persist: 'execution', // a deed: done once for each execution, also when two ask for the same
  run: ({ city }) => `${city}, room ${++runs['Book']!}`,
})
// #endregion
const trips = graph({ name: 'trips', steps: [locate, book] })

await using docket = createDocket({ graphs: [trips], store: sqliteStore(':memory:') })

for (const id of ['trip:ada', 'trip:bob', 'trip:ada'])
  console.log(`${id}: ${await docket.execute(trips, Confirmation, { City: 'Oslo' }, { id })}`)

const scopes: Readonly<Record<string, PersistScope>> = { Locate: 'global', Book: 'execution' }
for (const [name, scope] of Object.entries(scopes)) console.log(`${name} (${scope}) ran ${runs[name]} times`)
