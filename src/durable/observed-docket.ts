import type { Fleet, ObservedDocket } from '../core/contracts/observed-docket.ts'
import type { Observer } from '../core/contracts/observer.ts'
import { DocketClosedError } from '../core/errors.ts'
import { allAnswers } from '../runtime/store-access/all-answers.ts'
import { warnOnce } from '../runtime/environment/warn-once.ts'
import type { DocketContext } from './context/docket-context.ts'
import { mostWorkers } from './list-workers.ts'
import { workerInfoOf } from './records/worker-info.ts'

/** A count of more costs more, and says no more. */
const upTo = 10_000

/** As long as its docket is there, so is it: observers hold it loosely. */
const shown = new WeakMap<DocketContext, ObservedDocket>()

/** The observers that have seen a docket: one may come and go as often as it likes. */
const attached = new WeakMap<DocketContext, WeakSet<Observer>>()

/** The docket as observers see it. */
export function observedOf(context: DocketContext): ObservedDocket {
  let docket = shown.get(context)
  if (docket === undefined) shown.set(context, (docket = observed(context)))
  return docket
}

function observed(context: DocketContext): ObservedDocket {
  const { store, work, queues } = context.options
  const named = new Set([
    ...Object.keys(work === undefined ? { default: 1 } : work || {}),
    ...Object.keys(queues ?? {}),
  ])
  return {
    store,
    queues: [...named],
    fleet: (others) => readFleet(context, [...named, ...others]),
  }
}

/** Shows the docket to those observers that want to see it, and have not seen it. What they throw is reported. */
export function attachObservers(context: DocketContext, observers: readonly Observer[]): void {
  const seeing = attached.get(context) ?? new WeakSet()
  attached.set(context, seeing)
  for (const observer of observers)
    try {
      if (typeof observer !== 'object' || seeing.has(observer)) continue
      seeing.add(observer)
      observer.attach?.(observedOf(context))
    } catch (thrown) {
      warnOnce(observer, 'a Docket observer', thrown)
    }
}

/** Two calls of the store, whatever it holds. */
async function readFleet({ connection, isClosing }: DocketContext, named: readonly string[]): Promise<Fleet> {
  if (isClosing) throw new DocketClosedError()
  await connection.opened()
  const { store, clock } = connection
  const slots = new Map<string, number>(named.map((queue) => [queue, 0]))
  for (const state of await store.readWorkers(mostWorkers))
    for (const [queue, count] of Object.entries(workerInfoOf(state, '', 0).queues))
      slots.set(queue, (slots.get(queue) ?? 0) + count)
  const requests = [...slots.keys()].map((queue) => ({ queue, upTo }))
  const backlogs = allAnswers(store, 'backlog', requests, await store.backlog(requests))
  const now = clock.now()
  return {
    queues: backlogs.map(({ ready, running, overdue, oldestReadyAt = now }, index) => {
      const { queue } = requests[index]!
      const oldestReadyMs = Math.max(0, now - oldestReadyAt)
      return { queue, ready, oldestReadyMs, running, overdue, slots: slots.get(queue)! }
    }),
  }
}
