// Run by the scale workload: Docket alone in a process, over a store that holds much.
import { answerParent } from '../durable/answer-parent.ts'
import type { Places } from '../durable/engine.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { measureListAndPurge, measureTakeOver } from '../scale/throughput.ts'

interface On {
  readonly kind: StoreKind
  readonly places: Places
  readonly count: number
}

answerParent({
  listAndPurge: ({ kind, places, count }: On) => measureListAndPurge(kind, places, count),
  takeOver: ({ kind, places, count }: On) => measureTakeOver(kind, places, count),
})
