import { EventEmitter } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createDocket, SerializationError, StoreError } from 'docket'
import type { Docket } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { WebSocket } from 'ws'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Hub } from '../../src/inspector/hub.ts'
import type { LiveFrame } from '../../src/inspector/protocol.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { expectNoUnhandledErrors } from '../loose-api.ts'
import { Answer, Count, quick, talks } from './talks.ts'

expectNoUnhandledErrors()

let docket: Docket
beforeEach(() => void (docket = createDocket({ graphs: [talks, quick], store: memoryStore() })))
afterEach(() => docket.close({ deadline: 0 }))

const start = (id: string) => docket.start(talks, Answer, { Name: 'ab' }, { id })

/** A docket that counts what it is called for, and how many observe it. */
function counting(inner: Docket): {
  readonly docket: Docket
  readonly calls: string[]
  readonly observers: () => number
} {
  const calls: string[] = []
  let observers = 0
  const docket = new Proxy(inner, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]): unknown => {
        calls.push(String(key))
        const answer: unknown = Reflect.apply(value, target, args)
        if (key !== 'observe') return answer
        observers++
        return () => {
          observers--
          ;(answer as () => void)()
        }
      }
    },
  })
  return { docket, calls, observers: () => observers }
}

/** A socket of a page, without a network. */
class FakeSocket extends EventEmitter {
  readonly readyState = WebSocket.OPEN
  readonly bufferedAmount = 0
  readonly frames: LiveFrame[] = []

  send(text: string, onSent?: () => void): void {
    this.frames.push(JSON.parse(text) as LiveFrame)
    onSent?.()
  }

  ping(): void {
    this.emit('pong')
  }

  close(): void {
    this.emit('close')
  }
}

/** Lets the hub's time pass until something is so. */
async function passUntil(clock: VirtualClock, isSo: () => boolean): Promise<void> {
  const patient = Date.now() + 20_000
  while (!isSo()) {
    if (Date.now() > patient) throw new Error('that did not come within 20 s')
    await clock.advance(500)
    await sleep(1)
  }
}

const hourMs = 3_600_000

test('what pages look at is read as long as they are open, and no more: while none is, an hour brings no call, and no timer is left', async () => {
  const clock = new VirtualClock()
  const { docket: counted, calls, observers } = counting(docket)
  const hub = new Hub(counted, clock)
  expect([await clock.advance(hourMs), calls, clock.pending]).toEqual([undefined, [], 0])
  await start('one')
  const sockets = [new FakeSocket(), new FakeSocket()]
  const [list, one] = sockets.map((socket) => hub.open(socket as unknown as WebSocket)!)
  hub.watch(list!, {})
  hub.watch(one!, { execution: 'one' })
  await clock.advance(10_000)
  expect(Object.keys(Object.groupBy(calls, (name) => name)).toSorted()).toEqual(['get', 'list', 'observe', 'plan'])
  expect([calls.filter((name) => name === 'list').length > 10, observers()]).toEqual([true, 1])
  // What is looked at now is not what was looked at before.
  hub.watch(one!, { execution: 'another' })
  expect(observers()).toBe(1)
  for (const socket of sockets) socket.close()
  expect(observers()).toBe(0)
  const { length } = calls
  await docket.execute(quick, Count, { Name: 'ab' }, { id: 'another' })
  hub.call()
  await clock.advance(hourMs)
  expect([calls.slice(length), clock.pending]).toEqual([[], 0])
  hub.close()
})

test('rows that newer ones have pushed off the page are followed to their end, however many there are', async () => {
  const clock = new VirtualClock()
  const waiting = createDocket({ graphs: [talks], store: memoryStore(), work: false })
  const many = Array.from({ length: 450 }, (_, index) => ({ inputs: { Name: 'ab' }, id: `old ${index}` }))
  const hub = new Hub(waiting, clock)
  const socket = new FakeSocket()
  hub.watch(hub.open(socket as unknown as WebSocket)!, {})
  // As they come, a page at a time.
  const latest = (): ReadonlyMap<string, string> => {
    const statuses = new Map<string, string>()
    for (const frame of socket.frames) {
      if (frame.type !== 'rows') continue
      for (const { id, status } of frame.rows) statuses.set(id, status)
      for (const id of frame.gone ?? []) statuses.delete(id)
    }
    return statuses
  }
  for (let first = 0; first < many.length; first += 90) {
    await waiting.startMany(talks, Answer, many.slice(first, first + 90))
    await passUntil(clock, () => latest().size === first + 90)
  }
  await waiting.cancel('old 0')
  await waiting.cancel('old 200')
  await waiting.delete('old 1')
  await passUntil(clock, () => !latest().has('old 1') && latest().get('old 0') === 'cancelled')
  await passUntil(clock, () => latest().get('old 200') === 'cancelled')
  expect([latest().size, latest().get('old 2')]).toEqual([449, 'pending'])
  hub.close()
  await waiting.close()
})

test('a page that is open over 80,000 events of 10,000 steps is sent no more than 60 frames a second, and nothing is kept of what it was sent', async () => {
  const gc = collector()
  const clock = new VirtualClock()
  const names = Array.from({ length: 10_000 }, (_, index) => `step ${index}`)
  let observer: ((event: unknown) => void) | undefined
  const steps = names.map((step) => ({ step, status: 'running', attempt: 1, attempts: [] }))
  const details = {
    ...(await (await start('many')).details()),
    steps,
  }
  const busy = {
    observe: (one: typeof observer) => ((observer = one), () => (observer = undefined)),
    get: async () => ({ details: async () => details }),
    plan: async () => undefined,
  } as unknown as Docket
  const hub = new Hub(busy, clock)
  let frames = 0
  const socket = Object.assign(new FakeSocket(), { send: () => void frames++ })
  hub.watch(hub.open(socket as unknown as WebSocket)!, { execution: 'many' })
  await clock.advance(1_000)
  let before = 0
  for (let round = 1; round <= 8; round++) {
    for (const step of names) observer!({ type: 'attempt.started', at: clock.now(), step, attempt: round })
    frames = 0
    await clock.advance(1_000)
    expect(frames).toBeLessThanOrEqual(60 + 2 * 10)
    if (round === 3) before = gc()
  }
  expect(gc() - before).toBeLessThan(4 * 1024 * 1024)
  hub.close()
})

/** Collects what nobody holds, and says how much there is. */
function collector(): () => number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  return () => {
    collect()
    return process.memoryUsage().heapUsed
  }
}

/** A docket whose calls fail at times. */
function failing(inner: Docket, failureOf: (call: string) => Error | undefined): Docket {
  return new Proxy(inner, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      return (...args: readonly unknown[]): unknown => {
        const failure = failureOf(String(key))
        return failure === undefined ? (Reflect.apply(value, target, args) as unknown) : Promise.reject(failure)
      }
    },
  })
}

const awayIn = ({ frames }: FakeSocket): readonly boolean[] =>
  frames.flatMap((frame) => (frame.type === 'store' ? [frame.isAway] : []))

test('a page that has heard that the store is away, and looks at something else once it is back, hears that', async () => {
  const clock = new VirtualClock()
  let isAway = true
  const hub = new Hub(
    failing(docket, () => (isAway ? new StoreError('test', 'the server has gone away', true) : undefined)),
    clock,
  )
  await start('one')
  const socket = new FakeSocket()
  const page = hub.open(socket as unknown as WebSocket)!
  hub.watch(page, {})
  await passUntil(clock, () => awayIn(socket).at(-1) === true)
  isAway = false
  hub.watch(page, { execution: 'one' })
  await passUntil(clock, () => awayIn(socket).at(-1) === false)
  expect(awayIn(socket)).toEqual([true, false])
  hub.close()
})

test('an execution whose plan can’t be read says nothing of the store, which has answered', async () => {
  const clock = new VirtualClock()
  let looks = 0
  const hub = new Hub(
    failing(docket, (call) => {
      if (call !== 'plan') return undefined
      looks++
      return new SerializationError('its key is not known here')
    }),
    clock,
  )
  await start('one')
  const socket = new FakeSocket()
  hub.watch(hub.open(socket as unknown as WebSocket)!, { execution: 'one' })
  await passUntil(clock, () => looks > 2)
  expect(awayIn(socket)).toEqual([])
  hub.close()
})

test('a look that took half a minute, since the store was away, is followed by the next one in some seconds', async () => {
  const clock = new VirtualClock()
  let isAway = true
  const looks: number[] = []
  const patient = new Proxy(docket, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key, target)
      if (key !== 'list') return typeof value === 'function' ? (value.bind(target) as unknown) : value
      return async (...args: readonly unknown[]): Promise<unknown> => {
        looks.push(clock.elapsed())
        if (!isAway) return Reflect.apply(value as () => unknown, target, args)
        await new Promise<void>((resolve) => clock.setTimeout(resolve, 30_000))
        throw new StoreError('test', 'the server has gone away', true)
      }
    },
  })
  const hub = new Hub(patient, clock)
  const socket = new FakeSocket()
  hub.watch(hub.open(socket as unknown as WebSocket)!, {})
  await clock.advance(31_000)
  isAway = false
  await clock.advance(20_000)
  expect(looks.length).toBeGreaterThan(1)
  await passUntil(clock, () => awayIn(socket).at(-1) === false)
  hub.close()
})
