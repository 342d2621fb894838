// Run by the workload worker-backlog: Docket alone in a process, over stores in which very many executions are ready.
import { answerParent } from '../durable/answer-parent.ts'
import type { Places } from '../durable/engine.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { compareReady } from '../scale/ready.ts'

interface Sizes {
  readonly small: number
  readonly large: number
  readonly rounds: number
}

answerParent({
  compare: ({ kind, places, ...sizes }: { readonly kind: StoreKind; readonly places: Places } & Sizes) =>
    compareReady(kind, places, sizes),
})
