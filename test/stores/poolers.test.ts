import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { postgresStore } from '../../stores/postgres/index.ts'
import { startPgbouncer } from '../servers/pgbouncer.ts'
import { postgresPlace } from './postgres-place.ts'
import { useStore } from './use-store.ts'

const { url, newSchema } = await postgresPlace()
const pooler = await startPgbouncer(url)
afterAll(() => pooler.stop())

const Seed = dataType('Seed', type<number>())
const Made = dataType('Made', type<number>())
const Whole = dataType('Whole', type<number>())
const runs: string[] = []
const make = (persist: 'execution' | 'global') =>
  step({
    name: 'Make',
    inputs: { seed: Seed },
    output: Made,
    persist,
    run({ seed }, { executionId }) {
      runs.push(`make ${persist === 'global' ? seed : executionId}`)
      return seed + 1
    },
  })
const finish = step({
  name: 'Finish',
  inputs: { made: Made },
  output: Whole,
  persist: 'execution',
  run({ made }, { executionId }) {
    runs.push(`finish ${executionId}`)
    return made + 1
  },
})
const own = graph({ name: 'own', steps: [make('execution'), finish] })
const shared = graph({ name: 'shared', steps: [make('global'), finish] })

test('everything works behind a pooler that gives a connection for each transaction', async () => {
  await useStore(postgresStore({ url: pooler.url, schema: newSchema(), max: 3 }))
})

// With statements that are lost and tried again after a pause each, the time of a test was over long before.
test('a pooler that mixes up prepared statements costs no execution anything, and nothing runs twice', async () => {
  const schema = newSchema()
  const dockets = [1, 2].map(() =>
    createDocket({ graphs: [own, shared], store: postgresStore({ url: pooler.url, schema, max: 6 }) }),
  )
  onTestFinished(async () => {
    await Promise.all(dockets.map((docket) => docket.close({ deadline: 0 })))
  })
  const outputs = await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * 10))
      return dockets[index % 2]!.execute(index % 3 === 0 ? shared : own, Whole, { Seed: index }, { id: `e${index}` })
    }),
  )
  expect(outputs).toEqual(Array.from({ length: 60 }, (_, index) => index + 2))
  expect(new Set(runs).size).toBe(runs.length)
})
