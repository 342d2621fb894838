// A manager of machines that gets requests from many sides: they are handled one after the other, each to its end, though a handler waits in its middle.
import { createDocket, dataType, durableStep, graph, update } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { VirtualClock } from 'docket/testing'
import { z } from 'zod'

const Size = dataType('Size', z.number())
const Shutdown = dataType('Shutdown', z.boolean())
const Report = dataType('Report', z.array(z.string()))

// #region handler
const Assign = update('Assign', {
  input: z.object({ job: z.string(), count: z.number() }),
  output: z.object({ machines: z.array(z.number()) }),
})

const manager = durableStep({
  name: 'Manager',
  inputs: { size: Size },
  output: Report,
  receives: [Assign, Shutdown],
  run: async ({ size }, ctx) => {
    const jobs = new Map<number, string>()
    for (;;) {
      const message = await ctx.receive([Assign, Shutdown])
      if (message.type === 'Shutdown') return [...jobs].map(([machine, job]) => `${machine}: ${job}`)
      const { job, count } = message.value
      const free = Array.from({ length: size }, (_, machine) => machine).filter((machine) => !jobs.has(machine))
      if (free.length < count) {
        await message.fail(new Error(`${free.length} of ${size} machines are free, not ${count}`))
        continue
      }
      // Machines need a minute. What comes meanwhile waits for its turn, so that no machine is given away twice.
      await ctx.sleep('1m')
      const machines = free.slice(0, count)
      for (const machine of machines) jobs.set(machine, job)
      await message.reply({ machines })
    }
  },
})
// #endregion
const clusters = graph({ name: 'clusters', steps: [manager] })

const clock = new VirtualClock()
const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })
const docket = createDocket({ graphs: [clusters], store, clock })
const handle = await clock.settle(docket.start(clusters, Report, { Size: 4 }, { id: 'cluster' }))

// #region requests
const requests = ['train', 'test', 'serve'].map((job) => handle.update(Assign, { job, count: 2 }))
const answers = Promise.allSettled(requests)
await clock.advance(3 * 60_000)
for (const answer of await answers)
  console.log(answer.status === 'fulfilled' ? answer.value.machines : (answer.reason as Error).message)
// #endregion

await clock.settle(handle.signal(Shutdown, true))
console.log(await clock.settle(handle.result()))
await clock.settle(docket.close())
