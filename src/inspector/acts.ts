import { append } from '../core/append.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { ExecutionStatus } from '../core/contracts/statuses.ts'
import { describeThrown, readOf } from '../core/thrown.ts'
import type { AnyDataType } from '../core/language/data-type.ts'
import { type as unchecked, dataType } from '../core/language/data-type.ts'
import type { NewAct } from '../durable/acts.ts'
import type { Docket } from '../durable/docket.ts'
import type { ExecutionHandle } from '../durable/execution-handle.ts'
import type { Act, ActOutcomes } from './protocol.ts'
import { queryOf } from './read-query.ts'
import { typedValue } from './value-text.ts'

type Outcome = ActOutcomes['outcomes'][number]
type BulkAct = Extract<Act, { readonly act: 'cancel' | 'retry' | 'delete' }>
type OneAct = Exclude<Act, BulkAct>

/** At the same time. */
const portion = 8
const pageSize = 100
const longestNote = 1_000
const updatePatience = '10s'

/** Does what people want done, each thing of it on record before it is done, and says what became of it. */
export class Acts {
  readonly #docket: Docket
  readonly #user: string

  constructor(docket: Docket, user: string) {
    this.#docket = docket
    this.#user = user
  }

  /** What is wrong with one thing is its outcome, and keeps no other from being done. */
  async do(act: Act): Promise<ActOutcomes> {
    if (!('ids' in act) && !('filter' in act)) return { outcomes: [await this.#one(act)] }
    if ('ids' in act)
      return { outcomes: await this.#each([...new Set(act.ids)], (id) => this.#bulk(act, id, undefined)) }
    return this.#all(act)
  }

  /** The first that a filter finds, a page at a time: what has just been changed may be found no more, and that is no matter, since pages go on from where they ended. */
  async #all(act: Extract<BulkAct, { readonly most: number }>): Promise<ActOutcomes> {
    const outcomes: Outcome[] = []
    let after: string | undefined
    do {
      const { executions, next } = await this.#docket.list({ ...queryOf(act.filter), limit: pageSize, after })
      const left = executions.slice(0, act.most - outcomes.length)
      for (const one of await this.#each(left, ({ id, status }) => this.#bulk(act, id, status))) outcomes.push(one)
      after = next
      if (left.length < executions.length) return { outcomes, isMore: true }
    } while (after !== undefined && outcomes.length < act.most)
    return { outcomes, isMore: after !== undefined }
  }

  async #each<Item>(items: readonly Item[], act: (item: Item) => Promise<Outcome>): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = []
    for (let index = 0; index < items.length; index += portion)
      append(outcomes, await Promise.all(items.slice(index, index + portion).map(act)))
    return outcomes
  }

  #bulk({ act }: BulkAct, id: string, known: ExecutionStatus | undefined): Promise<Outcome> {
    return outcomeOf(id, async () => {
      const status = known ?? (await this.#statusOf(id))
      if (status === undefined) return { isDone: false, text: 'there is no such execution' }
      const hasEnded = isTerminal(status)
      if (act === 'cancel' && hasEnded) return { isDone: false, text: `it has ended: ${status}` }
      if (act !== 'cancel' && !hasEnded) return { isDone: false, text: `it has not ended: ${status}` }
      return this.#onRecord({ act, execution: id }, async () => {
        if (act === 'cancel') await this.#docket.cancel(id, `cancelled by ${this.#user}`)
        else if (act === 'retry') await this.#docket.retry(id)
        else if (!(await this.#docket.delete(id))) return { isDone: false, text: 'there is no such execution' }
        return { isDone: true }
      })
    })
  }

  async #statusOf(id: string): Promise<ExecutionStatus | undefined> {
    const handle = await this.#docket.get(id)
    return (await handle?.info())?.status
  }

  #one(act: OneAct): Promise<Outcome> {
    return outcomeOf(subjectOf(act), () => this.#doOne(act))
  }

  async #doOne(act: OneAct): Promise<Omit<Outcome, 'id'>> {
    const docket = this.#docket
    if ('queue' in act) {
      const queue = docket.queue(act.queue)
      return this.#onRecord({ act: act.act, note: act.queue }, async () => {
        await (act.act === 'pauseQueue' ? queue.pause(`by ${this.#user}`) : queue.resume())
        return { isDone: true }
      })
    }
    if ('schedule' in act) return this.#onRecord({ act: act.act, note: act.schedule }, () => this.#schedule(act))
    if (act.act === 'start') {
      const { graph, target, inputs, id } = act
      return this.#onRecord({ act: 'start', execution: id, note: `${target} of ${graph}` }, async () => {
        const handle = await docket.startByName(graph, target, inputs, id === undefined ? {} : { id })
        return { isDone: true, newId: handle.id }
      })
    }
    return this.#ofExecution(act)
  }

  async #schedule(act: Extract<OneAct, { readonly schedule: string }>): Promise<Omit<Outcome, 'id'>> {
    const { schedules } = this.#docket
    if (act.act === 'backfillSchedule') {
      const made = await schedules.backfill(act.schedule, { from: new Date(act.from), to: new Date(act.to) })
      return {
        isDone: true,
        text: `${made.started} started, ${made.existing} were there, ${made.skipped} skipped${made.cancelled > 0 ? `, ${made.cancelled} cancelled` : ''}${made.isOneBuffered ? ', one waits until what runs has ended' : ''}`,
      }
    }
    if (act.act === 'pauseSchedule') await schedules.pause(act.schedule, `by ${this.#user}`)
    else if (act.act === 'resumeSchedule') await schedules.resume(act.schedule)
    else return { isDone: true, newId: await schedules.trigger(act.schedule) }
    return { isDone: true }
  }

  async #ofExecution(
    act: Exclude<OneAct, { readonly queue: string } | { readonly schedule: string } | { readonly act: 'start' }>,
  ): Promise<Omit<Outcome, 'id'>> {
    const handle = await this.#docket.get(act.id)
    if (handle === undefined) return { isDone: false, text: 'there is no such execution' }
    const onRecord = (note: string, work: () => Promise<Omit<Outcome, 'id'>>): Promise<Omit<Outcome, 'id'>> =>
      this.#onRecord({ act: act.act, execution: act.id, note }, work)
    if (act.act === 'fork') {
      const { from } = act
      const given = act.overrides && Object.keys(act.overrides).join(', ')
      return onRecord(given === undefined ? `from ${from}` : `from ${from}, with ${given} given`, async () => {
        const overrides =
          act.overrides &&
          Object.fromEntries(Object.entries(act.overrides).map(([type, json]) => [type, typedValue(json)] as const))
        const forked = await this.#docket.fork(act.id, { from, ...(overrides !== undefined && { overrides }) })
        return { isDone: true, newId: forked.id }
      })
    }
    if (act.act === 'reschedule')
      return onRecord(`${act.timer} to ${act.at}`, async () => {
        const verdict = await handle.reschedule(act.timer, new Date(act.at))
        return { isDone: verdict === 'accepted', text: verdict }
      })
    return onRecord(act.type, async () => {
      const unreadable = await this.#unreadable(handle)
      if (unreadable !== undefined) return { isDone: false, text: unreadable }
      const type = await this.#typeOf(act.id, act.type)
      if (act.act === 'signal') {
        const verdict = await handle.signal(type as never, act.value as never)
        return { isDone: verdict === 'accepted', text: verdict }
      }
      await handle.update(type as never, act.value as never, { timeout: updatePatience })
      return { isDone: true, text: 'it was answered' }
    })
  }

  /** Why nothing is sent to an execution whose values a docket without its graph can’t read: what is sent would be stored without their codecs. */
  async #unreadable(handle: ExecutionHandle<unknown>): Promise<string | undefined> {
    const { graph, incompatible } = await handle.info()
    const isKnown = this.#docket.about().graphs.some(({ name, formerly }) => name === graph || formerly.includes(graph))
    return isKnown || incompatible.length === 0
      ? undefined
      : `what is sent might not be stored as its values are: ${incompatible.join('; ')}`
  }

  /** The type that values for an execution are sent under, with its schema where the graph is known here. */
  async #typeOf(id: string, name: string): Promise<AnyDataType> {
    const plan = await this.#docket.plan(id)
    const types = (plan?.steps ?? []).flatMap(({ declaration }) => [
      declaration.output,
      ...(declaration.receives ?? []),
    ])
    return types.find((type) => type.name === name) ?? (dataType(name, unchecked<unknown>()) as AnyDataType)
  }

  /** On record before it is done, and behind it where it was not: what can't be put on record is not done. */
  #onRecord(
    { act, execution, note }: Omit<NewAct, 'by'>,
    work: () => Promise<Omit<Outcome, 'id'>>,
  ): Promise<Omit<Outcome, 'id'>> {
    const about = { by: this.#user, act, execution, note: note?.slice(0, longestNote) }
    return this.#docket.acts.perform(about, work, ({ isDone, text = '' }) => (isDone ? undefined : text))
  }
}

async function outcomeOf(id: string, act: () => Promise<Omit<Outcome, 'id'>>): Promise<Outcome> {
  try {
    return { id, ...(await act()) }
  } catch (thrown) {
    const message = readOf(thrown, 'message')
    const text = (typeof message === 'string' ? message : describeThrown(thrown)).slice(0, 500)
    return { id, isDone: false, text }
  }
}

function subjectOf(act: OneAct): string {
  if ('queue' in act) return act.queue
  if ('schedule' in act) return act.schedule
  return 'id' in act && act.id !== undefined ? act.id : ''
}
