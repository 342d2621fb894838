// Run by updates.ts: one contender in a process of its own, or whoever sends it requests.
import { answerParent } from '../durable/answer-parent.ts'
import type { Places } from '../durable/engine.ts'
import type { UpdateContender, UpdateEngine, UpdateSender } from '../durable/update-engine.ts'
import type { StoreKind } from '../opponents/durable-docket.ts'
import { openDbosUpdates, openDbosUpdateSender } from '../opponents/update-dbos.ts'
import { openDocketUpdates, openDocketUpdateSender } from '../opponents/update-docket.ts'
import { openRestateUpdates, restateUpdate } from '../opponents/update-restate.ts'

interface Which {
  readonly contender: UpdateContender
  readonly places: Places
  readonly name: string
  /** Of Restate's server. */
  readonly url?: string
}

interface UpdateRound {
  readonly key: string
  readonly count: number
  /** The sum before. */
  readonly from: number
  readonly limitMs: number
}

let engine: UpdateEngine | undefined
let sender: UpdateSender | undefined

function kindOf(contender: UpdateContender): StoreKind {
  return contender === 'Docket on PostgreSQL' ? 'postgres' : contender === 'Docket on Redis' ? 'redis' : 'sqlite'
}

answerParent({
  open: async ({ contender, places, name }: Which): Promise<string | undefined> => {
    if (contender === 'Restate') {
      const opened = await openRestateUpdates()
      engine = opened
      return opened.url
    }
    engine =
      contender === 'DBOS' ? await openDbosUpdates(places) : await openDocketUpdates(kindOf(contender), places, name)
    return undefined
  },
  openSender: async ({ contender, places, name, url }: Which): Promise<void> => {
    if (contender === 'Restate')
      sender = { update: (key, value) => restateUpdate(url!, key, value), close: async () => {} }
    else if (contender === 'DBOS') sender = await openDbosUpdateSender(places)
    else sender = await openDocketUpdateSender(kindOf(contender), places, name)
  },
  begin: (key: string) => engine!.begin(key),
  /** Milliseconds of each round trip: of so many, or of fewer where they take longer than the limit. */
  updates: async ({ key, count, from, limitMs }: UpdateRound): Promise<number[]> => {
    const times: number[] = []
    const until = performance.now() + limitMs
    for (let index = 0; index < count && (index === 0 || performance.now() < until); index++) {
      const start = performance.now()
      const sum = await (sender ?? engine!).update(key, 1)
      times.push(performance.now() - start)
      if (sum !== from + index + 1) throw new Error(`the sum is ${sum}, not ${from + index + 1}`)
    }
    return times
  },
  close: () => (sender ?? engine!).close(),
})
