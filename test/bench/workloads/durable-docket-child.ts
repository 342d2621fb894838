// Run by the durable workloads: Docket alone in a process, to be measured or to be killed.
import { answerParent } from '../durable/answer-parent.ts'
import { measureDurableSet } from '../durable/durable-set.ts'
import type { Places } from '../durable/engine.ts'
import { measureFan, measureLong } from '../durable/growing.ts'
import { ownExecutions, resumeAll } from '../durable/owned.ts'
import { askCold, measureCached } from '../durable/shared-results.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'

interface On {
  readonly kind: StoreKind
  readonly places: Places
}

let cold: Awaited<ReturnType<typeof askCold>> | undefined

answerParent({
  fan: ({ kind, places, width, runs }: On & { width: number; runs: number }) => measureFan(kind, places, width, runs),
  long: ({ kind, places, runs }: On & { runs: number }) => measureLong(kind, places, runs),
  durableSet: ({ places, runs }: On & { runs: number }) => measureDurableSet(places, runs),
  cached: ({ kind, places, rounds }: On & { kind: 'postgres' | 'redis'; rounds: number }) =>
    measureCached(kind, places, rounds),
  openCold: async ({ kind, places }: On & { kind: 'postgres' | 'redis' }) => void (cold = await askCold(kind, places)),
  askCold: ({ question, times }: { question: string; times: number }) => cold!.ask(question, times),
  own: ({ kind, places, name, prefix, count }: On & { name: string; prefix: string; count: number }) =>
    ownExecutions(kind, places, name, { prefix, count }),
  resume: ({ kind, places, name, count }: On & { name: string; count: number }) => resumeAll(kind, places, name, count),
})
