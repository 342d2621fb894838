// Run by the scale workload: Docket alone in a process, over a store that holds much.
import { answerParent } from '../durable/answer-parent.ts'
import type { Places } from '../durable/engine.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { compareCosts } from '../scale/costs.ts'
import { Filled } from '../scale/filled.ts'
import { leaveLong, measureHeap, resumeLong } from '../scale/long-run.ts'
import type { LongRun } from '../scale/long-run.ts'
import { measureList, measurePurge, measureTakeOver, measureWorkOff } from '../scale/throughput.ts'

interface On {
  readonly kind: StoreKind
  readonly places: Places
}

let stores: { readonly small: Filled; readonly large: Filled } | undefined

answerParent({
  fill: async ({ kind, places, small, large }: On & { small: number; large: number }) => {
    stores = { small: await Filled.of(kind, places, small), large: await Filled.of(kind, places, large) }
  },
  costs: ({ rounds }: { rounds: number }) => compareCosts(stores!.small, stores!.large, rounds),
  list: () => measureList(stores!.large),
  takeOver: ({ count }: { count: number }) => measureTakeOver(stores!.large, count),
  workOff: ({ count }: { count: number }) => measureWorkOff(stores!.large, count),
  purge: () => measurePurge(stores!.large),
  leaveLong: (run: LongRun) => leaveLong(run),
  resumeLong: (run: LongRun) => resumeLong(run),
  heap: ({ kind, places, name, count }: On & { name: string; count: number }) => measureHeap(kind, places, name, count),
})
