/** A report every night at half past two in Berlin, whatever is done to the clocks there. The time is virtual: a week passes in no time. */
import { dataType, graph, schedule, step, type } from 'docket'
import { createTestDocket } from 'docket/testing'
import { z } from 'zod'

const Shop = dataType('Shop', type<string>())
const Night = dataType('Night', z.date())
const Report = dataType('Report', type<string>())

const writeReport = step({
  name: 'WriteReport',
  inputs: { shop: Shop, night: Night },
  output: Report,
  run: ({ shop, night }) => {
    const wallClock = night.toLocaleString('en-GB', { timeZone: 'Europe/Berlin' })
    console.log(`report of ${shop}, ${wallClock} (${night.toISOString()})`)
    return `report of ${shop}`
  },
})
const reports = graph({ name: 'reports', steps: [writeReport] })

// #region declared
const nightly = schedule('nightly', {
  graph: reports,
  target: Report,
  inputs: { Shop: 'Berlin' }, // stored with the schedule
  nominalTime: 'Night', // this leaf is given the time that the run is for
  cron: '30 2 * * *',
  timeZone: 'Europe/Berlin',
  timeout: '10m', // and other options of `docket.start`
})
// #endregion

// In production: `createDocket({ graphs, schedules, store })`.
await using docket = createTestDocket({
  graphs: [reports],
  schedules: [nightly],
  now: new Date('2026-03-27T12:00:00Z'),
})

console.log('the night in which 2:30 does not exist:')
await docket.advance('3d')

// #region calls
await docket.schedules.pause('nightly', 'stocktaking')
await docket.advance('1d')
await docket.schedules.resume('nightly')
console.log((await docket.schedules.nextTimes('nightly', 2)).map((time) => time.toISOString()))

// What was not started while it was paused, all of it, each time once:
console.log(await docket.schedules.backfill('nightly', { from: new Date('2026-03-30T00:00:00Z'), to: docket.now() }))
// #endregion
const run = await docket.get('nightly/2026-03-31T00:30:00.000Z')
console.log(await run?.result())
