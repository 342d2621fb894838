// A report that is started in the evening, and made at six in the morning: no process has to live until then.
import { createDocket, dataType, graph, step, timer } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

const Day = dataType('Day', z.iso.date())
const Orders = dataType('Orders', z.number())
const Morning = dataType('Morning', z.object({ dueAt: z.date() }))
const Report = dataType('Report', z.string())

const countOrders = step({
  name: 'CountOrders',
  inputs: { day: Day },
  output: Orders,
  run: ({ day }) => {
    console.log(`counting the orders of ${day}`)
    return 42
  },
})
const sleep = timer({
  name: 'SleepUntilMorning',
  inputs: { day: Day },
  output: Morning,
  at: ({ day }) => new Date(Date.parse(`${day}T06:00:00Z`) + 24 * 3_600_000),
})
const report = step({
  name: 'Report',
  inputs: { day: Day, orders: Orders, morning: Morning },
  output: Report,
  run: ({ day, orders, morning }) => `${morning.dueAt.toISOString()}: ${orders} orders on ${day}`,
})
const reports = graph({ name: 'reports', steps: [countOrders, sleep, report] })

const clock = new VirtualClock(Date.parse('2026-05-04T17:30:00Z'))
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })

const evening = createDocket({ graphs: [reports], store, clock })
await clock.settle(evening.start(reports, Report, { Day: '2026-05-04' }, { id: 'may 4' }))
// After ten seconds it is parked: a row in the store, and nothing in the process.
await clock.advance(11_000)
const parked = await clock.settle((await clock.settle(evening.get('may 4')))!.details())
console.log(parked.status, parked.steps.find(({ step }) => step === 'SleepUntilMorning')?.waitsFor)
await clock.settle(evening.close())

// Nobody is there at night. The process that starts late, at eight, makes the report at once.
await clock.advance(14.5 * 3_600_000)
const morning = createDocket({ graphs: [reports], store, clock })
const found = await clock.settle(morning.get('may 4'))
console.log(await clock.settle(found!.result()))
await clock.settle(morning.close())
