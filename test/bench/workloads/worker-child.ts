// Run by worker-throughput.ts and worker-start.ts: a process that puts work in, or does it.
import { answerParent } from '../durable/answer-parent.ts'
import { openBullDoer, openBullStarter } from '../opponents/workers-bullmq.ts'
import { openDocketDoer, openDocketStarter } from '../opponents/workers-docket.ts'
import { dbosQueue, graphileWorker, pgBoss } from '../opponents/workers-postgres.ts'
import { machineNow } from '../workers/worker-engine.ts'
import type { WorkDoer, WorkerPlace, WorkStarter } from '../workers/worker-engine.ts'

let starter: WorkStarter | undefined
let doer: WorkDoer | undefined

function others(place: WorkerPlace) {
  if (place.contender === 'pg-boss') return pgBoss(place)
  return place.contender === 'DBOS' ? dbosQueue(place) : graphileWorker(place)
}

answerParent({
  openStarter: async (place: WorkerPlace): Promise<void> => {
    if (place.contender.startsWith('Docket')) starter = await openDocketStarter(place)
    else if (place.contender.startsWith('BullMQ')) starter = await openBullStarter(place)
    else starter = await others(place).starter()
  },
  openDoer: async (place: WorkerPlace): Promise<void> => {
    if (place.contender.startsWith('Docket')) doer = await openDocketDoer(place)
    else if (place.contender.startsWith('BullMQ')) doer = await openBullDoer(place)
    else doer = await others(place).doer()
  },
  /** Puts so many in, as many at the same time as `atOnce` says. */
  start: async ({ prefix, count, atOnce }: { prefix: string; count: number; atOnce: number }): Promise<void> => {
    let next = 0
    const lane = async (): Promise<void> => {
      while (next < count) await starter!.start(`${prefix}-${next++}`)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
  },
  /** Puts one in; gives when its call began. */
  startOne: async (id: string): Promise<number> => {
    const at = machineNow()
    await starter!.start(id)
    return at
  },
  done: () => doer!.done,
  began: (id: string) => doer!.began.get(id),
  close: () => (starter ?? doer)!.close(),
})
