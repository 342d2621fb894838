import { isName } from '../core/check-name.ts'
import { checkOptions, describe, isWholeFromOne } from '../core/check-options.ts'
import type { ActRecord } from '../core/contracts/act-record.ts'
import type { ActRecorded } from '../core/contracts/act-events.ts'
import { shorten } from '../core/shorten.ts'
import { describeThrown } from '../core/thrown.ts'
import { deliverEvent } from '../runtime/execution/event-delivery.ts'
import { orClosed } from './context/closed-while-waiting.ts'
import type { DocketContext } from './context/docket-context.ts'
import { actInfoOf } from './records/act-info.ts'
import type { ActInfo } from './records/act-info.ts'

/** What somebody is about to do. */
export interface NewAct {
  /** The person, or the program, that does it. At most 500 characters. */
  readonly by: string
  /** What is done: `cancel`, `retry`, `pauseQueue`, … At most 100 characters. */
  readonly act: string
  /** The execution that it is done to. @default it is about something else */
  readonly execution?: string | undefined
  /** Anything else that is to be known of it: why, or what with. At most 10,000 characters. @default none */
  readonly note?: string | undefined
}

/** Which acts `acts.list` returns. */
export interface ActListQuery {
  /** Those on this execution. @default all */
  readonly execution?: string | undefined
  /** How many at most. @default 100 */
  readonly limit?: number | undefined
  /** `next` of the page before. @default the first page */
  readonly after?: string | undefined
}

/** A page of acts, the newest first. */
export interface ActPage {
  /** The newest first. */
  readonly acts: readonly ActInfo[]
  /** Asks for the next page; undefined on the last. */
  readonly next: string | undefined
}

/**
 * What people did to executions, queues and schedules, as it was written down by what let them do it. Docket's page and command line write down what they do;
 * calls of a program's own are on record where the program does.
 */
export class Acts {
  readonly #context: DocketContext

  constructor(context: DocketContext) {
    this.#context = context
  }

  /**
   * Writes an act down, to be called before it is done: what can't be written is not to be done. Observers of the docket get it as the event `act.recorded`.
   * @throws (as rejection) OptionError, DocketClosedError, StoreError
   */
  async record(act: NewAct): Promise<ActInfo> {
    return this.#record(act, -Infinity)
  }

  /** `after`: it stands behind what is from this time. */
  async #record(act: NewAct, after: number): Promise<ActInfo> {
    checkAct(act)
    const context = this.#context
    return orClosed(context, 'acts.record', act.execution, async () => {
      const { connection } = context
      await connection.readyBy()
      const { by, act: what, execution, note } = act
      const at = Math.max(connection.clock.now(), after + 1)
      const record: ActRecord = { id: context.newId(), at, by, act: what, execution, note }
      await connection.patiently(() => connection.store.addActs([record]))
      await emitAct(context, record)
      return actInfoOf(record)
    })
  }

  /**
   * Does something that is on record before it is done. Where it comes to nothing, a second line says so and why (`not done: …`): an act that has none behind it was done, or its process
   * died meanwhile.
   * @param notDone why what the work came to means that nothing was done; undefined where it was
   * @example await docket.acts.perform({ by: 'ada', act: 'cancel', execution: id }, () => docket.cancel(id))
   * @throws (as rejection) what `record` throws: then nothing is done; and what the work throws
   */
  async perform<Result>(
    act: NewAct,
    work: () => Result | Promise<Result>,
    notDone: (result: Result) => string | undefined = () => undefined,
  ): Promise<Result> {
    const { at } = await this.record(act)
    const { by, act: what, execution } = act
    const concluded = (why: string): Promise<unknown> =>
      this.#record({ by, act: what, execution, note: shorten(`not done: ${why}`, longestOutcome) }, at.getTime())
    let result: Result
    try {
      result = await work()
    } catch (error) {
      // What went wrong counts; that it can't be written down, too, is mostly the same failure.
      await concluded(describeThrown(error)).catch(() => {})
      throw error
    }
    const why = notDone(result)
    if (why !== undefined) await concluded(why)
    return result
  }

  /** Acts, the newest first, a page at a time. They are kept for 90 days, or for as long as `retain.acts` says. @throws (as rejection) OptionError, DocketClosedError, StoreError */
  async list(query: ActListQuery = {}): Promise<ActPage> {
    checkActList(query)
    const { execution, limit = 100, after } = query
    return orClosed(this.#context, 'acts.list', execution, async () => {
      await this.#context.connection.readyBy()
      const place = after === undefined ? undefined : placeOf(after)
      // One more than the page has shows whether there is another page.
      const records = await readActs(this.#context, { execution, after: place, limit: limit + 1 })
      const page = records.slice(0, limit)
      const last = records.length === page.length ? undefined : page.at(-1)
      return { acts: page.map(actInfoOf), next: last && `${last.at}:${last.id}` }
    })
  }
}

const mostActs = 25
const longestOutcome = 1_000

/** The newest acts on an execution. */
export async function actsOn(context: DocketContext, execution: string): Promise<readonly ActInfo[]> {
  return (await readActs(context, { execution, limit: mostActs })).map(actInfoOf)
}

function readActs(
  { connection }: DocketContext,
  query: Parameters<DocketContext['connection']['store']['listActs']>[0],
): Promise<readonly ActRecord[]> {
  return connection.patiently(() => connection.store.listActs(query))
}

/** What is not there, or can't be read, has no graph that could be named. */
async function emitAct(context: DocketContext, { id, at, by, act, execution = '', note }: ActRecord): Promise<void> {
  const observers = context.observers.of(execution === '' ? undefined : execution)
  if (observers.length === 0) return
  const record = execution === '' ? undefined : await context.recordOf(execution).catch(() => undefined)
  const about = { seq: 0, at, executionId: execution, graph: record?.graph ?? '' }
  const event: ActRecorded = { type: 'act.recorded', ...about, id, by, act, note }
  for (const observer of observers) deliverEvent(observer, event)
}

function placeOf(after: string): Pick<ActRecord, 'at' | 'id'> {
  const colon = after.indexOf(':')
  return { at: Number(after.slice(0, colon)), id: after.slice(colon + 1) }
}

const mostCharacters = { by: 500, act: 100, note: 10_000 } as const

/** @throws OptionError with all problems */
function checkAct(act: unknown): void {
  checkOptions('acts.record', act, ['by', 'act', 'execution', 'note'], (given) => [
    ...(['by', 'act'] as const).map(
      (name) => !isName(given[name]) && `${name} must be a non-empty string, not ${describe(given[name])}`,
    ),
    given['execution'] !== undefined &&
      !isName(given['execution']) &&
      `execution must be an execution's id, not ${describe(given['execution'])}`,
    given['note'] !== undefined &&
      typeof given['note'] !== 'string' &&
      `note must be a string, not ${describe(given['note'])}`,
    ...(['by', 'act', 'note'] as const).map((name) => {
      const text = given[name]
      const most = mostCharacters[name]
      return (
        typeof text === 'string' && text.length > most && `${name} has ${text.length} characters, and may have ${most}`
      )
    }),
  ])
}

/** @throws OptionError with all problems */
function checkActList(query: unknown): void {
  checkOptions('acts.list', query, ['execution', 'limit', 'after'], ({ execution, limit, after }) => [
    execution !== undefined &&
      typeof execution !== 'string' &&
      `execution must be an execution's id, not ${describe(execution)}`,
    limit !== undefined && !isWholeFromOne(limit) && 'limit must be a whole number of at least 1',
    after !== undefined &&
      !(typeof after === 'string' && /^\d+(\.\d+)?:/.test(after)) &&
      'after must be the `next` of the page before',
  ])
}
