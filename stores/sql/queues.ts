import { changedQueue, isRestricted, queueStateOf, queueStateText } from '../../src/core/contracts/queue-state.ts'
import { requestedKeys } from '../../src/core/contracts/queue-record.ts'
import type {
  BacklogRequest,
  QueueBacklog,
  QueueChange,
  QueueChanged,
  QueueStanding,
} from '../../src/core/contracts/queue-record.ts'
import type { Cell, Row } from './cells.ts'
import { Parameters, queueKeyOf } from './dialect.ts'
import type { Answer, Dialect, Query, RunQuery } from './dialect.ts'
import { fromName } from './names.ts'
import type { NamedPlace, Place, QueuePlaces } from './queue-places.ts'
import { fromSqlTime } from './times.ts'

/** Of what the living own, and the dead, so much is looked at for the names of queues. */
const mostOwned = 10_000

/** A queue's state as it is written. */
export interface WrittenState {
  /** The queue's name, as it stands in keys. */
  readonly key: string
  readonly state: string
  readonly isRestricted: boolean
}

/** Where databases differ in what is written and read of queues. */
export interface QueueDatabase {
  readonly run: RunQuery
  readonly places: QueuePlaces
  /** Makes sure that a queue has a row, which has this state if it is new. */
  ensure(queue: string, written: WrittenState): Answer<void>
  /** Writes a state in the place of another one. @returns false where that is not there any more */
  swap(written: WrittenState, before: string): Answer<boolean>
  /** Calls back once something may have become ready. */
  readonly onChanged?: () => Answer<void>
}

type Add = (cell: Cell | readonly Cell[]) => string

/** What is counted, and up to where. */
type Counted = Pick<BacklogRequest, 'queue' | 'key' | 'upTo'>

/** By key, as it stands in the table. */
type Counts = ReadonlyMap<string, Count>

interface Count {
  readonly many: number
  readonly overdue: number
}

type CountsByKey = Readonly<Record<'goOn' | 'lost' | 'running' | 'waiting', Counts>>

/** What holds for queues, and what they have: the same in each database, but for a few words. */
export class SqlQueues {
  readonly #dialect: Dialect
  readonly #database: QueueDatabase
  readonly #queues: string
  readonly #executions: string
  readonly #owners: string
  readonly #key: (name: string) => string

  constructor(dialect: Dialect, database: QueueDatabase) {
    this.#dialect = dialect
    this.#database = database
    this.#queues = dialect.table('queues')
    this.#executions = dialect.table('executions')
    this.#owners = dialect.table('owners')
    this.#key = queueKeyOf(dialect)
  }

  async read(queues: readonly string[]): Promise<readonly (QueueStanding | undefined)[]> {
    if (queues.length === 0) return []
    const keys = queues.map(this.#key)
    const rows = await this.#run(
      (add) =>
        `select q.queue, q.state, q.free_at from ${this.#queues} q where ${this.#dialect.isIn('q.queue', keys, add)}`,
    )
    const byKey = new Map(rows.map((row) => [row['queue'], row]))
    return queues.map((queue, index) => {
      const row = byKey.get(keys[index]!)
      const text = (row?.['state'] ?? '') as string
      return text === '' ? undefined : { ...queueStateOf(queue, text), freeAt: Number(row!['free_at']) }
    })
  }

  async change(changes: readonly QueueChange[]): Promise<readonly QueueChanged[]> {
    const changed: QueueChanged[] = []
    for (const change of changes) changed.push(await this.#change(change))
    if (changes.length > 0) await this.#database.onChanged?.()
    return changed
  }

  async names(limit: number): Promise<readonly string[]> {
    const dialect = this.#dialect
    const { index, unfinished, owned = joinedWithOwners(index.unfinished) } = this.#database.places
    const name = (source: string): string => dialect.reading(source, { name: 'queue', kind: 'name' })
    const said = await this.#run(
      (add) => `select ${name('q.queue')} as name from ${this.#queues} q where q.is_restricted = 1 limit ${add(limit)}`,
    )
    const found = new Set(said.map((row) => fromName(row['name'] as string)))
    for (const place of ['toBegin', 'toGoOn', 'due'] as const) await this.#addNames(place, found, limit)
    for (const areLiving of [true, false]) {
      const rows = await this.#run((add) => {
        const isLiving = dialect.isLiving('o', add)
        const from = owned(this.#owners, this.#executions, areLiving ? isLiving : `not (${isLiving})`)
        return `select distinct f.name from (select ${name('e.queue')} as name from ${from} and ${unfinished()}
          ${this.#inOrder('unfinished')} limit ${add(mostOwned)}) f`
      })
      for (const row of rows) found.add(fromName(row['name'] as string))
    }
    return [...found].slice(0, limit)
  }

  /** Adds the queues of a place: one look at the index for each. */
  async #addNames(place: NamedPlace, found: Set<string>, limit: number): Promise<void> {
    const { index, order, queueOf, toBegin, toGoOn, parked } = this.#database.places
    const condition = { toBegin, toGoOn, due: parked }[place]
    const queue = queueOf[place]
    let behind: string | undefined
    for (let count = 0; count < limit; count++) {
      const [row] = await this.#run(
        (
          add,
        ) => `select ${queue} as found_queue, ${this.#dialect.reading('e.queue', { name: 'queue', kind: 'name' })} as name
          from ${this.#executions} e ${index[place]} where ${condition()}
          ${behind === undefined ? '' : `and ${queue} > ${add(behind)}`} order by ${order?.[place] ?? queue} limit 1`,
      )
      if (row === undefined) return
      behind = row['found_queue'] as string
      found.add(fromName(row['name'] as string))
    }
  }

  async backlog(requests: readonly BacklogRequest[]): Promise<readonly QueueBacklog[]> {
    const counted: QueueBacklog[] = []
    const graphs = new Map<string, readonly string[]>()
    const counts = new Map<string, CountsByKey>()
    for (const request of requests) {
      const { queue, key } = request
      if (key === undefined) counted.push(await this.#backlog(request))
      else {
        const ofQueue = counts.get(queue) ?? (await this.#countsByKey(queue, requestedKeys(requests, queue)))
        counts.set(queue, ofQueue)
        counted.push(await this.#backlogOfKey({ ...request, key }, graphs, ofQueue))
      }
    }
    return counted
  }

  async readyKeys(queue: string, after: string | undefined, limit: number): Promise<readonly string[]> {
    const { index, toBegin, order } = this.#database.places
    const found = new Map<string, string>()
    for (const graph of await this.#graphsOf(queue, 'toBegin', toBegin)) {
      let behind = after === undefined ? undefined : this.#key(after)
      for (let count = 0; count < limit; count++) {
        const [row] = await this.#run(
          (
            add,
          ) => `select e.queue_key as found_key, ${this.#keyColumn} as queue_key from ${this.#executions} e ${index.toBegin}
            where ${toBegin(add(this.#key(queue)))} and e.graph = ${add(graph)}
              ${behind === undefined ? '' : `and e.queue_key > ${add(behind)}`} 
              order by ${order?.toBegin ?? 'e.queue_key'} limit 1`,
        )
        if (row === undefined) break
        behind = row['found_key'] as string
        found.set(behind, fromName(row['queue_key'] as string))
      }
    }
    return [...found]
      .toSorted(([one], [other]) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
      .slice(0, limit)
      .map(([, key]) => key)
  }

  /** A column with names may have long ones beside it. */
  get #keyColumn(): string {
    return this.#dialect.reading('e.queue_key', { name: 'queue_key', kind: 'name' })
  }

  async #change(change: QueueChange): Promise<QueueChanged> {
    const { queue } = change
    const key = this.#key(queue)
    await this.#database.ensure(queue, { key, state: '', isRestricted: false })
    for (;;) {
      const [row] = await this.#run((add) => `select q.state from ${this.#queues} q where q.queue = ${add(key)}`)
      const text = row!['state'] as string
      const before = text === '' ? undefined : queueStateOf(queue, text)
      const after = changedQueue(before, change)
      const state = queueStateText(after)
      const written = { key, state, isRestricted: isRestricted(after) }
      if (state === text || (await this.#database.swap(written, text))) return { before, after }
    }
  }

  async #backlog(counted: Counted): Promise<QueueBacklog> {
    const { toBegin, toGoOn, parked } = this.#database.places
    const begin = await this.#count(counted, 'toBegin', toBegin)
    const goOn = await this.#count(counted, 'toGoOn', toGoOn)
    const running = await this.#countOwned(counted, true)
    const lost = await this.#countOwned(counted, false)
    const waiting = await this.#count(counted, 'due', parked)
    const overdue = waiting === 0 ? 0 : await this.#countOverdue(counted)
    const ready = Math.min(begin + goOn + lost, counted.upTo)
    const oldestReadyAt = begin + goOn === 0 ? undefined : await this.#oldest(counted)
    return { ready, running, waiting, overdue, oldestReadyAt }
  }

  /** `graphs`: those that have something to begin, by queue, as far as that was read. */
  async #backlogOfKey(
    counted: Counted & { readonly key: string },
    graphs: Map<string, readonly string[]>,
    counts: CountsByKey,
  ): Promise<QueueBacklog> {
    const { key, upTo } = counted
    const begin = await this.#countOfKey(counted, graphs)
    const countOf = (of: Counts): Count => of.get(this.#key(key)) ?? { many: 0, overdue: 0 }
    const goOn = countOf(counts.goOn).many
    const { many: waiting, overdue } = countOf(counts.waiting)
    const oldestReadyAt = begin + goOn === 0 ? undefined : await this.#oldest(counted)
    return {
      ready: Math.min(begin + goOn + countOf(counts.lost).many, upTo),
      running: Math.min(countOf(counts.running).many, upTo),
      waiting: Math.min(waiting, upTo),
      overdue: Math.min(overdue, upTo),
      oldestReadyAt,
    }
  }

  /** What has begun, or is parked, of some keys: no index of it has the key, so that all of it is gone through once. */
  async #countsByKey(queue: string, keys: readonly string[]): Promise<CountsByKey> {
    const { index, owned = joinedWithOwners(index.unfinished), unfinished, toGoOn, parked } = this.#database.places
    const of = this.#key(queue)
    const texts = keys.map((key) => this.#key(key))
    const grouped = async (
      from: (add: Add) => string,
      isOverdue: (add: Add) => string = () => '0',
    ): Promise<Counts> => {
      const rows = await this.#run(
        (add) => `select e.queue_key as found_key, count(*) as many, sum(${isOverdue(add)}) as overdue from ${from(add)}
          and ${this.#dialect.isIn('e.queue_key', texts, add)} group by e.queue_key`,
      )
      return new Map(
        rows.map(({ found_key: key, many, overdue }) => [
          key as string,
          { many: Number(many), overdue: Number(overdue) },
        ]),
      )
    }
    const ofOwners = (areLiving: boolean): Promise<Counts> =>
      grouped((add) => {
        const isLiving = this.#dialect.isLiving('o', add)
        const from = owned(this.#owners, this.#executions, areLiving ? isLiving : `not (${isLiving})`)
        return `${from} and ${unfinished(add(of))}`
      })
    return {
      goOn: await grouped((add) => `${this.#executions} e ${index.toGoOn} where ${toGoOn(add(of))}`),
      running: await ofOwners(true),
      lost: await ofOwners(false),
      waiting: await grouped(
        (add) => `${this.#executions} e ${index.due} where ${parked(add(of))}`,
        (add) => `case when e.due_at <= ${this.#dialect.now(add)} then 1 else 0 end`,
      ),
    }
  }

  async #count(
    { queue, key, upTo }: Counted,
    place: Place,
    condition: (queue: string) => string,
    graph?: string,
  ): Promise<number> {
    return this.#counted(
      (
        add,
      ) => `select 1 as one from ${this.#executions} e ${this.#database.places.index[place]} where ${condition(add(this.#key(queue)))}
        ${graph === undefined ? '' : `and e.graph = ${add(graph)}`} ${this.#hasKey(key, add)} ${this.#inOrder(place)} limit ${add(upTo)}`,
    )
  }

  #inOrder(place: Place): string {
    const { order } = this.#database.places
    return order === undefined ? '' : `order by ${order[place]}`
  }

  /** What is to begin of a key: the index has its graphs before its keys. */
  async #countOfKey(counted: Counted, graphs: Map<string, readonly string[]>): Promise<number> {
    const { queue, upTo } = counted
    const { toBegin } = this.#database.places
    const known = graphs.get(queue) ?? (await this.#graphsOf(queue, 'toBegin', toBegin))
    graphs.set(queue, known)
    let count = 0
    for (const graph of known) if (count < upTo) count += await this.#count(counted, 'toBegin', toBegin, graph)
    return Math.min(count, upTo)
  }

  async #countOwned({ queue, key, upTo }: Counted, areLiving: boolean): Promise<number> {
    const { index, owned = joinedWithOwners(index.unfinished), unfinished } = this.#database.places
    return this.#counted((add) => {
      const isLiving = this.#dialect.isLiving('o', add)
      const from = owned(this.#owners, this.#executions, areLiving ? isLiving : `not (${isLiving})`)
      return `select 1 as one from ${from} and ${unfinished(add(this.#key(queue)))} ${this.#hasKey(key, add)}
        ${this.#inOrder('unfinished')} limit ${add(upTo)}`
    })
  }

  async #countOverdue({ queue, key, upTo }: Counted): Promise<number> {
    const { index, parked } = this.#database.places
    let count = 0
    for (const graph of await this.#graphsOf(queue, 'due', parked)) {
      count += await this.#counted(
        (add) => `select 1 as one from ${this.#executions} e ${index.due} where ${parked(add(this.#key(queue)))}
          and e.graph = ${add(graph)} and e.due_at <= ${this.#dialect.now(add)} ${this.#hasKey(key, add)} ${this.#inOrder('due')} limit ${add(upTo)}`,
      )
      if (count >= upTo) return upTo
    }
    return count
  }

  /** When the oldest of what nobody has was created: of a key, among those that are counted. */
  async #oldest({ queue, key, upTo }: Counted): Promise<number | undefined> {
    const { index, order, unfinished, toBegin } = this.#database.places
    const ofNobody = (of: string): string => `e.owner is null and ${unfinished(of)}`
    const created = { name: 'created_at', kind: 'time' } as const
    const time = this.#dialect.reading('f.created_at', created)
    let oldest: number | undefined
    for (const graph of await this.#graphsOf(queue, 'unfinished', ofNobody)) {
      const [row] = await this.#run((add) => {
        const [at, condition] = key === undefined ? [index.unfinished, ofNobody] : [index.toBegin, toBegin]
        const first = `select e.created_at from ${this.#executions} e ${at} where ${condition(add(this.#key(queue)))}
          and e.graph = ${add(graph)} ${this.#hasKey(key, add)}
          ${key === undefined ? `order by ${order?.unfinished ?? 'e.created_at'} limit 1` : `${this.#inOrder('toBegin')} limit ${add(upTo)}`}`
        return `select ${time} as created_at from (${first}) f order by f.created_at limit 1`
      })
      if (row === undefined) continue
      const at = typeof row['created_at'] === 'number' ? row['created_at'] : fromSqlTime(row['created_at'])
      oldest = Math.min(oldest ?? Infinity, at)
    }
    return oldest
  }

  /** The graphs of executions in a place of a queue, as they stand in keys: one look at the index for each. */
  async #graphsOf(queue: string, place: Place, condition: (queue: string) => string): Promise<readonly string[]> {
    const { index, order } = this.#database.places
    const graphs: string[] = []
    for (;;) {
      const [row] = await this.#run(
        (
          add,
        ) => `select e.graph as graph from ${this.#executions} e ${index[place]} where ${condition(add(this.#key(queue)))}
          ${graphs.length === 0 ? '' : `and e.graph > ${add(graphs.at(-1)!)}`} order by ${order?.[place] ?? 'e.graph'} limit 1`,
      )
      if (row === undefined) return graphs
      graphs.push(row['graph'] as string)
    }
  }

  #hasKey(key: string | undefined, add: Add): string {
    return key === undefined ? '' : `and e.queue_key = ${add(this.#key(key))}`
  }

  async #counted(select: (add: Add) => string): Promise<number> {
    const [row] = await this.#run((add) => `select count(*) as many from (${select(add)}) c`)
    return Number(row!['many'])
  }

  async #run(textOf: (add: Add) => string): Promise<readonly Row[]> {
    const { list, add } = new Parameters(this.#dialect)
    const query: Query = { text: textOf(add), parameters: [] }
    return this.#database.run({ ...query, parameters: list })
  }
}

/** `index` stands behind the executions. */
function joinedWithOwners(index: string): NonNullable<QueuePlaces['owned']> {
  return (owners, executions, isOwner) =>
    `${owners} o cross join ${executions} e ${index} where (${isOwner}) and e.owner is not null and e.owner = o.owner`
}
