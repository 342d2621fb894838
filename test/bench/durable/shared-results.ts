import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createDocket, dataType, graph, step, type } from '../../../src/index.ts'
import type { Docket } from '../../../src/index.ts'
import { openStore } from '../opponents/durable-docket.ts'
import { freshName } from './engine.ts'
import type { Places } from './engine.ts'

type SharedKind = 'postgres' | 'redis'

const Question = dataType('Question', type<string>())
const Answered = dataType('Answered', type<{ readonly text: string }>())
/** About a kilobyte. */
const answer = { text: 'x'.repeat(1_000) }
let workMs = 0
let runCount = 0

const answers = graph({
  name: 'answers',
  steps: [
    step({
      name: 'answer',
      inputs: { question: Question },
      output: Answered,
      persist: { scope: 'global' },
      run: async () => {
        runCount++
        if (workMs > 0) await sleep(workMs)
        return answer
      },
    }),
  ],
})

/** Milliseconds an operation, for each round. */
export interface CachedTimes {
  readonly missAlone: readonly number[]
  readonly hitAlone: readonly number[]
  readonly rawAlone: readonly number[]
  readonly hit100: readonly number[]
  readonly raw100: readonly number[]
}

/** Global results of a kilobyte: made, found, and read by hand from the same place, one at a time and 100 in flight. */
export async function measureCached(kind: SharedKind, places: Places, rounds: number): Promise<CachedTimes> {
  const name = freshName('results')
  await using docket = createDocket({ graphs: [answers], store: openStore(kind, places, name) })
  // Many, so that those in flight don't share an answer.
  const questions = Array.from({ length: 200 }, (_, index) => `known ${index}`)
  for (const question of questions) await ask(docket, question)
  const get = await rawGet(kind, places, name)
  let asked = 0
  const known = (): Promise<unknown> => ask(docket, questions[asked++ % questions.length]!)
  let unknown = 0
  const times = { missAlone: [], hitAlone: [], rawAlone: [], hit100: [], raw100: [] } as Record<
    keyof CachedTimes,
    number[]
  >
  // The first round warms up.
  for (let round = -1; round < rounds; round++) {
    const miss = await msEach(() => ask(docket, `unknown ${unknown++}`), 150, 1)
    const found = {
      missAlone: miss,
      hitAlone: await msEach(known, 300, 1),
      rawAlone: await msEach(get.read, 300, 1),
      hit100: await msEach(known, 10_000, 100),
      raw100: await msEach(get.read, 10_000, 100),
    }
    if (round < 0) continue
    for (const key of Object.keys(times) as (keyof CachedTimes)[]) times[key].push(found[key])
  }
  await get.close()
  return times
}

/** Asks so often at once for what nobody has made yet; tells how often it was made here. */
export async function askCold(
  kind: SharedKind,
  places: Places,
): Promise<{ readonly ask: (question: string, times: number) => Promise<number> }> {
  const docket = createDocket({ graphs: [answers], store: openStore(kind, places, 'docket_cold') })
  await ask(docket, 'warm')
  return {
    async ask(question, times) {
      runCount = 0
      workMs = 50
      await Promise.all(Array.from({ length: times }, () => ask(docket, question)))
      workMs = 0
      return runCount
    },
  }
}

function ask(docket: Docket, question: string): Promise<unknown> {
  return docket.execute(answers, Answered, { Question: question })
}

async function msEach(act: () => Promise<unknown>, count: number, inFlight: number): Promise<number> {
  const start = performance.now()
  let begun = 0
  const lane = async (): Promise<void> => {
    while (begun++ < count) await act()
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return (performance.now() - start) / count
}

/** Reads the results' own bytes with the plain client. */
async function rawGet(
  kind: SharedKind,
  places: Places,
  name: string,
): Promise<{ readonly read: () => Promise<unknown>; readonly close: () => Promise<unknown> }> {
  let read = 0
  if (kind === 'redis') {
    const client = new Redis(places.redis)
    const keys = await client.keys(`${name}:*:k:*`)
    if ((await client.strlen(keys[0] ?? '')) < 1_000) throw new Error(`no results under "${name}"`)
    return { read: () => client.getBuffer(keys[read++ % keys.length]!), close: async () => client.disconnect() }
  }
  const pool = new pg.Pool({ connectionString: places.postgres, max: 10 })
  const { rows } = await pool.query<{ id: string }>(`select id from "${name}".docket_results`)
  const text = `select output, output_bytes from "${name}".docket_results where id = $1`
  return {
    read: () => pool.query({ name: 'raw', text, values: [rows[read++ % rows.length]!.id] }),
    close: () => pool.end(),
  }
}
