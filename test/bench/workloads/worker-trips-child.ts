// Run by worker-trips.ts: a process that serves a queue.
import { answerParent } from '../durable/answer-parent.ts'
import { openTraveller } from '../workers/round-trips.ts'
import type { WorkerPlace } from '../workers/worker-engine.ts'

let traveller: Awaited<ReturnType<typeof openTraveller>> | undefined

answerParent({
  open: async ({ place, queue }: { place: WorkerPlace; queue: 'default' | 'far' }): Promise<void> => {
    traveller = await openTraveller(place, queue)
  },
  take: (id: string) => traveller!.take(id),
  close: () => traveller!.close(),
})
