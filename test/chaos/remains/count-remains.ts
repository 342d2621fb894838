import { openPlaces } from '../../processes/places.ts'
import type { ServerUrls } from '../../processes/places.ts'
import type { StoreKind } from '../../processes/store-address.ts'
import { startMysql } from '../../servers/mysql.ts'
import { startPostgres } from '../../servers/postgres.ts'
import { startRedis } from '../../servers/redis.ts'
import { deathsOfEachKind, scenarios } from './deaths.ts'
import type { Death, ScenarioName } from './deaths.ts'
import { countsOf, remainsOf } from './remains-run.ts'

/** Of each call, so many of the first are deadly. */
const deadlyCalls = 3
// Each process is one that the machine has to start.
const atOnce = 3

/** Kills at every call, and at any time, of all that a process does over some stores. Says what stays; false where something does. */
export async function countRemains(kinds: readonly StoreKind[], killsAtAnyTime: number): Promise<boolean> {
  await using postgres = await startPostgres()
  await using mysql = await startMysql()
  await using redis = await startRedis()
  const urls: ServerUrls = { postgres: postgres.url, mysql: mysql.url, redis: redis.url }
  const places = await openPlaces(urls)
  let isClean = true
  try {
    for (const kind of kinds) {
      const since = performance.now()
      const deaths = [...deathsOfEachKind, ...(await everyDeath(() => places.newPlace(kind), killsAtAnyTime))]
      const { left, missed } = await remainsOf(await places.newPlace(kind), deaths, { atOnce })
      const seconds = ((performance.now() - since) / 1_000).toFixed(0)
      console.log(
        `${kind}: ${deaths.length - missed.length} deaths in ${seconds} s, ${missed.length} moments did not come`,
      )
      for (const one of left.slice(0, 20)) console.log(`  left: ${one}`)
      console.log(left.length === 0 ? '  nothing stays' : `  ${left.length} rows or keys stay`)
      isClean &&= left.length === 0
    }
  } finally {
    await places.close()
  }
  return isClean
}

/** At each call that each of them makes if it is left alone, before, while and after it; and at any time. */
async function everyDeath(
  newPlace: () => Parameters<typeof countsOf>[0] | Promise<Parameters<typeof countsOf>[0]>,
  atAnyTime: number,
): Promise<readonly Death[]> {
  const deaths: Death[] = []
  for (const of of Object.keys(scenarios) as ScenarioName[]) {
    // Those that end only because of others would wait for them.
    if ('isDeaf' in scenarios[of] || 'meanwhile' in scenarios[of]) continue
    const counts = await countsOf(await newPlace(), of)
    for (const [call, count] of Object.entries(counts))
      for (let nth = 1; nth <= Math.min(count, deadlyCalls); nth++)
        for (const when of ['before', 'sent', 'after'] as const) deaths.push({ of, at: { call, when, nth } })
    for (let kill = 0; kill < atAnyTime; kill++) deaths.push({ of, at: { afterMs: Math.random() * 300 } })
  }
  return deaths
}
