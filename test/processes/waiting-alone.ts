import { createDocket, dataType, durableStep, graph, signal, step, update } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { z } from 'zod'

// A process that has nothing to do but to wait, as a script has it: nothing else keeps it alive.
const [, , what = '', file] = process.argv

const Approval = dataType('Approval', z.string())
const Approved = dataType('Approved', z.string())
const Slotted = dataType('Slotted', z.string())
const Shared = dataType('Shared', z.string())
const Answered = dataType('Answered', z.string())
const Ask = update('Ask', { input: z.string(), output: z.string() })

/** Holds what it has until another process needs it no more: until its input ends. */
function untilTold(holds: string): Promise<string> {
  if (!what.startsWith('hold')) return Promise.resolve('done')
  console.log(holds)
  return new Promise((resolve) => process.stdin.once('end', () => resolve('held')).resume())
}

const graphOfAll = graph({
  name: 'alone',
  steps: [
    signal(Approval),
    step({
      name: 'Approve',
      inputs: { approval: Approval },
      output: Approved,
      persist: 'execution',
      run: ({ approval }) => approval,
    }),
    step({
      name: 'TakeSlot',
      output: Slotted,
      persist: 'execution',
      concurrency: { limit: 1, scope: 'graph' },
      run: () => untilTold('slot'),
    }),
    step({ name: 'Share', output: Shared, persist: 'global', run: () => untilTold('claim') }),
    durableStep({
      name: 'Answer',
      inputs: { approval: Approval },
      output: Answered,
      receives: [Ask],
      run: async (_, ctx) => {
        const asked = await ctx.receive(Ask)
        await asked.reply(`${asked.value}!`)
        return asked.value
      },
    }),
  ],
})

const docket = createDocket({
  graphs: [graphOfAll],
  store: file === undefined ? memoryStore() : sqliteStore(file),
  // So that nothing is parked: what is looks into its store now and then.
  takeOver: false,
  ...(what === 'stopped' && { lease: '300ms' }),
})

/** Something that happens later, and keeps no process alive. */
function later(act: () => void): void {
  setTimeout(act, 700).unref()
}

async function come(): Promise<unknown> {
  switch (what) {
    case 'stopped':
    case 'signal': {
      const handle = await docket.start(graphOfAll, Approved, {})
      if (what === 'stopped') console.log('waits')
      later(() => void handle.signal(Approval, 'approved'))
      return handle.result()
    }
    case 'execute':
      later(() => void docket.get('known').then((handle) => handle?.signal(Approval as never, 'approved' as never)))
      return docket.execute(graphOfAll, Approved, {}, { id: 'known' })
    case 'update': {
      const handle = await docket.start(graphOfAll, Answered, {})
      later(() => void handle.signal(Approval, 'approved'))
      return handle.update(Ask, 'ready')
    }
    case 'timed-out': {
      const { id } = await docket.start(graphOfAll, Approved, {})
      const handle = await docket.start(graphOfAll, Approved, {}, { id, signal: AbortSignal.timeout(500) })
      return handle.result().catch((error: Error) => error.name)
    }
    case 'hold-slot':
    case 'slot':
      return docket.execute(graphOfAll, Slotted, {})
    case 'hold-claim':
    case 'claim':
      return docket.execute(graphOfAll, Shared, {})
    default:
      throw new Error(`unknown: ${what}`)
  }
}

console.log(await come())
await docket.close()
