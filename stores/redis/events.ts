import type {
  EmittedEvent,
  EmitVerdict,
  EventDelivery,
  EventWait,
  NewEvent,
  NewEventWait,
} from '../../src/core/contracts/event-record.ts'
import { append } from '../../src/core/append.ts'
import type { Connection } from './connection.ts'
import { damaged } from './errors.ts'
import { awaitScript, emitScript, endWaitScript, purgeEventScript, undeliveredScript } from './event-scripts.ts'
import { buckets, escapeText, unescapeText } from './layout.ts'
import { valueBytes, valueOf } from './values.ts'

const scriptsAtOnce = 500

/** Emits events. */
export async function emitEvents({ link, layout }: Connection, events: readonly NewEvent[]): Promise<EmitVerdict[]> {
  const replies = await link.all(
    events.map(({ id, emission, value, at, expiresAt, scope, name, key }) => {
      const { event, waits, pending, expiries } = layout.eventKeys(id)
      const people = [scope, name, key].map(escapeText)
      const args = [escapeText(id), escapeText(emission), valueBytes(value), at, Math.ceil(expiresAt), ...people]
      return { run: emitScript, keys: [event, waits, pending, expiries], args }
    }),
  )
  return replies.map((reply) => (reply === 1 ? 'accepted' : 'duplicate'))
}

/** Registers waits, and reads the events that are there. */
export async function awaitEventsOf(
  { link, layout }: Connection,
  waits: readonly NewEventWait[],
): Promise<(EmittedEvent | undefined)[]> {
  const replies: unknown[] = []
  for (const some of portionsOf(waits))
    append(
      replies,
      await link.all(
        some.map((wait) => {
          const { event, waits: who, since, looks } = layout.eventKeys(wait.event)
          const args = [escapeText(wait.execution), wait.at, lookOf(wait)]
          return { run: awaitScript, keys: [event, who, since, looks], args }
        }),
      ),
    )
  return replies.map((reply, index) => {
    if (!Array.isArray(reply)) return undefined
    const [value, at, generation] = reply as Buffer[]
    try {
      return { value: valueOf(value!), at: Number(at!.toString()), generation: Number(generation!.toString()) }
    } catch (cause) {
      const { event } = waits[index]!
      throw damaged(`the event "${event}"`, layout.eventKeys(event).event, cause)
    }
  })
}

/** These waits are over. */
export async function endWaitsOf({ link, layout }: Connection, waits: readonly NewEventWait[]): Promise<void> {
  for (const some of portionsOf(waits))
    await link.all(
      some.map((wait) => {
        const { waits: who, since, looks } = layout.eventKeys(wait.event)
        return {
          run: endWaitScript,
          keys: [who, since, looks],
          args: [escapeText(wait.execution), lookOf(wait), wait.at],
        }
      }),
    )
}

/** The executions that are to be woken. */
export async function undeliveredOf({ link, layout }: Connection, limit: number): Promise<EventDelivery[]> {
  const found = (await link.all(
    buckets.map((bucket) => ({ run: 'srandmember', keys: [layout.pendingEvents(bucket)], args: [scriptsAtOnce] })),
  )) as readonly Buffer[][]
  const ids = found.flat().map((member) => unescapeText(member.toString()))
  const deliveries: EventDelivery[] = []
  for (const some of portionsOf(ids)) {
    if (deliveries.length >= limit) break
    const replies = await link.all(
      some.map((id) => {
        const { event, waits, pending } = layout.eventKeys(id)
        return { run: undeliveredScript, keys: [event, waits, pending], args: [escapeText(id), limit] }
      }),
    )
    for (const [index, reply] of replies.entries()) {
      if (!Array.isArray(reply)) continue
      const [generation, executions] = reply as [Buffer, Buffer[]]
      append(
        deliveries,
        executions.map((execution) => ({
          event: some[index]!,
          execution: unescapeText(execution.toString()),
          generation: Number(generation.toString()),
        })),
      )
    }
  }
  return deliveries.slice(0, limit)
}

/** The executions of these waits have been woken. */
export async function deliveredTo({ link, layout }: Connection, deliveries: readonly EventDelivery[]): Promise<void> {
  for (const some of portionsOf(deliveries))
    await link.all(
      some.map(({ event, execution, generation }) => ({
        run: 'zadd',
        keys: [layout.eventKeys(event).waits],
        args: ['XX', generation, escapeText(execution)],
      })),
    )
}

/** Waits that were looked at last before a time. */
export async function oldWaitsOf({ link, layout }: Connection, before: number, limit: number): Promise<EventWait[]> {
  const replies = (await link.all(
    buckets.map((bucket) => ({
      run: 'zrangebyscore',
      keys: [layout.eventLooks(bucket)],
      args: ['-inf', `(${before}`, 'WITHSCORES', 'LIMIT', 0, limit],
    })),
  )) as readonly (readonly (Buffer | Buffer[])[])[]
  const waits: { readonly member: string; readonly seenAt: number }[] = []
  for (const reply of replies) {
    // In pairs, or one after the other: by the protocol of the connection.
    const flat = reply.flat()
    for (let index = 0; index + 1 < flat.length; index += 2)
      waits.push({ member: flat[index]!.toString(), seenAt: Number(flat[index + 1]!.toString()) })
  }
  return waits
    .toSorted((one, other) => one.seenAt - other.seenAt)
    .slice(0, limit)
    .map(({ member }) => {
      const end = member.indexOf('\0')
      return { event: unescapeText(member.slice(0, end)), execution: unescapeText(member.slice(end + 1)) }
    })
}

/** Deletes events that have expired, and for which nobody waits. */
export async function purgeEventsOf({ link, layout }: Connection, limit: number): Promise<number> {
  const time = Date.now() + clockRoomMs
  const found = (await link.all(
    buckets.map((bucket) => ({
      run: 'zrangebyscore',
      keys: [layout.eventExpiries(bucket)],
      args: ['-inf', time, 'LIMIT', 0, limit],
    })),
  )) as readonly Buffer[][]
  const ids = found.flat().map((member) => unescapeText(member.toString()))
  let purged = 0
  for (const some of portionsOf(ids)) {
    if (purged >= limit) break
    const replies = await link.all(
      some.slice(0, limit - purged).map((id) => {
        const { event, waits, pending, expiries } = layout.eventKeys(id)
        return { run: purgeEventScript, keys: [event, waits, pending, expiries], args: [escapeText(id)] }
      }),
    )
    purged += replies.filter((reply) => reply === 1).length
  }
  return purged
}

/** The server judges by its own clock; this process's may be behind. */
const clockRoomMs = 60_000

/** A wait among those of its bucket. */
function lookOf({ event, execution }: EventWait): string {
  return `${escapeText(event)}\0${escapeText(execution)}`
}

function* portionsOf<One>(all: readonly One[]): Iterable<readonly One[]> {
  for (let first = 0; first < all.length; first += scriptsAtOnce) yield all.slice(first, first + scriptsAtOnce)
}
