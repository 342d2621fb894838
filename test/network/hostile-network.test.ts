import { randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { serverUrls } from '../servers/server-url.ts'
import { makeTables, runHostile } from './hostile-run.ts'
import { clearSpace } from '../stores/server-space.ts'
import { placeKinds } from './places.ts'

// Another one each day; `npm run network` has all of them, and connections that are mute for ever.
const names = Object.keys(placeKinds)
const name = names[Math.floor(Date.now() / 86_400_000) % names.length]!
const { server, placeOn } = placeKinds[name]!
const urls = await serverUrls(server)

test(`over ${name}, two dockets go on with everything once the network between is good again, and lose nothing by it`, async () => {
  const seed = Math.floor(Math.random() * 1e9)
  const own = `net_${randomUUID().slice(0, 8)}`
  onTestFinished(() => clearSpace(server, urls, own))
  const place = await placeOn(urls, own)
  await makeTables(place)
  const plan = { seed, hostileMs: 1_500, longestMuteMs: 1_500, executions: 3, boundMs: 60_000 }
  expect(await runHostile(place, plan), `seed ${seed} over ${name}`).toEqual([])
})
