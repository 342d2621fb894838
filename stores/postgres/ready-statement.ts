import { selectList } from '../sql/dialect.ts'
import type { Dialect } from '../sql/dialect.ts'
import { partialPlaces } from '../sql/queue-places.ts'
import { endParking, executionColumns, isRunnable } from '../sql/tables.ts'
import { isAlive } from './owners.ts'

const { unfinished, toBegin, toGoOn, later, parked } = partialPlaces(() => '')
const queue = '(select $11::text)'

/*
 * One statement that chooses and takes. $1 owner, $2 andOwn, $3 limit, $4 except, $5 to $9 graphs and their ranges (time and id each), $10 which
 * graphs have one, $11 queue, $12 the key whose turn was last, $13 keys that have no room, $14 how many may begin, $15 whether only one of
 * each key is taken, $16 whether the queue's limits have been judged: if not, nothing is taken where there are any; $17 whether to look at what is due to begin,
 * $18 the number of the call.
 */

/*
 * Each is read by a query of its own, into which planners don't look: so they have one plan for all values, and the server keeps it. To plan this takes ten times as long as to run it.
 */
const given = {
  owner: '(select $1::text)',
  andOwn: '(select $2::boolean)',
  limit: '(select $3::bigint)',
  except: '((select $4::text[])::text[])',
  graphs: '(select $5::text[])',
  behindKey: '(select $12::text)',
  fullKeys: '((select $13::text[])::text[])',
  toBegin: '(select $14::bigint)',
  isOnePerKey: '(select $15::boolean)',
  isJudged: '(select $16::boolean)',
  looksForDue: '(select $17::boolean)',
  sequence: '(select $18::bigint)',
} as const

/** Gives what was taken, in order; always a row, which says whether limits are to be judged, and whether something is due that is to begin. */
export function readyStatement(dialect: Dialect): string {
  const executions = dialect.table('executions')
  const nextOwner = (condition: string): string =>
    `select e.owner from ${executions} e where ${isRunnable('e')} and e.owner ${condition} order by e.owner limit 1`
  const notExcepted = `e.id <> all(${given.except})`
  const isWithin = `(e.created_at, e.id) > (g.after_time, g.after_id) and (e.created_at, e.id) <= (g.up_to_time, g.up_to_id)`
  // What is the same for all rows of one look is named in the order: so no other index is left to the planner. Where most rows are parked, and
  // so have no owner, it takes these for the free ones and would look for them among all executions by creation.
  const oldest = (condition: string, wasLost: string): string => `cross join lateral (
      select ${columns(wasLost)} from ${executions} e
      where ${unfinished(queue)} and e.owner ${condition} and e.graph = g.graph and ${notExcepted}
      ${locked('e.owner, e.queue, e.graph, e.created_at, e.id', given.limit)}) f`
  const nextKey = (graph: string, condition: string): string => `(select e.queue_key from ${executions} e
      where ${toBegin(queue)} and e.graph = ${graph} and e.queue_key ${condition} and ${notExcepted} order by e.queue, e.graph, e.queue_key limit 1)`
  const walk = (
    name: string,
    first: string,
    condition: string,
    isBegun: string,
  ): string => `${name}(graph, key, place) as (
      select g.graph, ${nextKey('g.graph', first)}, 1::bigint from graphs g where not g.is_ranged and ${condition}
      union all
      select k.graph, ${nextKey('k.graph', '> k.key')}, k.place + 1 from ${name} k
      where k.key is not null and ${isBegun} and k.place < ${given.limit} + cardinality(${given.fullKeys})
    )`
  return `with recursive owners(owner) as (
      (${nextOwner('is not null')})
      union all
      select (${nextOwner('> o.owner')}) from owners o where o.owner is not null
    ), gone as materialized (
      select o.owner from owners o where o.owner is not null
        and case when o.owner = ${given.owner} then ${given.andOwn} else not ${isAlive(dialect, 'o.owner')} end
    ), gate as materialized (
      select not ${given.isJudged} and exists (
          select 1 from ${dialect.table('queues')} q where q.queue = ${queue} and q.is_restricted = 1
        ) as is_shut,
        ${given.looksForDue} and exists (select 1 from unnest(${given.graphs}) g(graph) cross join lateral (
          select 1 from ${executions} e where ${later(queue)} and e.graph = g.graph and e.due_at <= statement_timestamp()
          order by e.queue, e.graph, e.due_at limit 1) l) as has_later
    ), graphs as materialized (
      select g.* from unnest(${given.graphs}, (select $6::timestamptz[]), (select $7::text[]), (select $8::timestamptz[]), (select $9::text[]), (select $10::boolean[]))
        as g(graph, after_time, after_id, up_to_time, up_to_id, is_ranged)
      where not (select is_shut or has_later from gate)
    ), ${walk('behind', `> ${given.behindKey}`, `${given.behindKey} is not null`, 'true')},
    ${walk('first', `>= ''`, 'true', `(${given.behindKey} is null or k.key <= ${given.behindKey})`)},
    lanes as materialized (
      select l.* from (
        select k.*, dense_rank() over (order by k.is_first, k.key) as turn from (
          select graph, key, false as is_first from behind where key is not null
          union all
          select graph, key, true from first where key is not null and (${given.behindKey} is null or key <= ${given.behindKey})
        ) k where k.key <> all(${given.fullKeys})
      ) l where l.turn <= ${given.limit}
    ), found as materialized (
      select f.*, null::bigint as turn from graphs g cross join lateral (
        select ${columns('false')} from ${executions} e
        where ${parked(queue)} and e.due_at <= statement_timestamp() and e.status <> 'pending' and e.graph = g.graph and ${notExcepted}
        ${locked('e.queue, e.graph, e.due_at, e.id', given.limit)}) f
      union all
      select f.*, null from graphs g cross join lateral (
        select ${columns('false')} from ${executions} e
        where ${toGoOn(queue)} and e.graph = g.graph and ${notExcepted}
        ${locked('e.queue, e.graph, e.created_at, e.id', given.limit)}) f where not g.is_ranged
      union all
      select f.*, null from graphs g ${oldest(`is null and ${isWithin}`, 'false')} where g.is_ranged
      union all
      select f.*, null from gone p cross join graphs g ${oldest(`= p.owner and (e.owner <> ${given.owner} or e.last_sequence <= ${given.sequence})`, `(e.owner <> ${given.owner})`)}
      union all
      select f.*, l.turn from lanes l cross join lateral (
        select ${columns('false')} from ${executions} e
        where ${toBegin(queue)} and e.graph = l.graph and e.queue_key = l.key and ${notExcepted}
        ${locked(
          'e.queue, e.graph, e.queue_key, e.priority desc, e.created_at, e.id',
          `greatest(1, ceil(${given.limit}::numeric / (select max(turn) from lanes)))`,
        )}) f
    ), ranked as (
      select f.*, row_number() over (partition by f.queue_key order by f.is_new, f.priority desc, f.created_at, f.id) as of_key,
        case when f.is_new then row_number() over (partition by f.is_new, f.queue_key order by f.priority desc, f.created_at, f.id) end as round,
        case when f.is_new then (${given.behindKey} is null or f.queue_key <= ${given.behindKey}) end as is_first,
        case when f.is_new then f.queue_key end as key_turn
      from found f where f.queue_key <> all(${given.fullKeys})
    ), placed as (
      select r.id, r.was_lost, r.is_new,
        row_number() over (order by r.is_new, r.round, r.is_first, r.key_turn, r.created_at, r.id) as place,
        row_number() over (partition by r.is_new order by r.round, r.is_first, r.key_turn, r.created_at, r.id) as of_kind
      from ranked r where not ${given.isOnePerKey} or r.of_key = 1
    ), chosen as (
      select * from placed where not is_new or of_kind <= ${given.toBegin} order by place limit ${given.limit}
    ), taken as (
      update ${executions} e
      set owner = ${given.owner}, epoch = e.epoch + 1, last_sequence = ${given.sequence}, recoveries = e.recoveries + case when e.owner <> ${given.owner} then 1 else 0 end,
        ${endParking}
      where e.id = any(array(select c.id from chosen c))
      returning ${selectList(dialect, executionColumns, 'e')}, e.mail_left > 0 as has_mail
    )
    select t.*, c.was_lost, c.is_new, g.is_shut, g.has_later
    from gate g left join (taken t join chosen c on c.id = t.id) on true order by c.place`
}

function columns(last: string): string {
  return `e.id, e.created_at, e.queue_key, e.priority, (e.status = 'pending' and e.owner is null) as is_new, ${last} as was_lost`
}

function locked(order: string, limit: string): string {
  return `order by ${order} limit ${limit} for no key update skip locked`
}

/** Lets what is due begin, in portions. $1 queue, $2 graphs. */
export function beginDueStatement(dialect: Dialect): string {
  const executions = dialect.table('executions')
  return `update ${executions} set ${endParking} where id in (
    select e.id from ${executions} e where ${later('$1')} and e.graph = any($2::text[]) and e.due_at <= statement_timestamp()
    limit 1000 for no key update skip locked)`
}
