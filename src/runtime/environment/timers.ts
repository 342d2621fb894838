import { outsideCalls } from './async-context.ts'
import type { FullClock } from './clock.ts'
import { longestTimeoutMs } from './long-timeout.ts'
import { TimerQueue } from './timer-queue.ts'
import { WallTimerQueue } from './wall-timer-queue.ts'

/** Something that will happen, unless it is cancelled. */
export interface Timer {
  cancel(): void
}

type SetTimeout = (handler: () => void, timeoutMs: number) => unknown
type After = (ms: number, fire: () => void) => Timer

// How soon it is noticed that the time of day was set.
const lookAgainMs = 1_000
// One that is far off is looked at this often at most, so that whoever fakes timers can run them all.
const looksPerWait = 500

/** Fires after a duration of steady time, whatever is done to the time of day. */
export function fireAfter(clock: FullClock, ms: number, fire: () => void): Timer {
  return afterOf(clock)(ms, fire)
}

/** Fires at a time of day, and follows it when it is set, forward and back. */
export function fireAt(clock: FullClock, at: number, fire: () => void): Timer {
  // Most clocks that are moved by hand have one time for everything.
  if (clock.kind === 'injected' && clock.now === clock.elapsed) return fireAfter(clock, at - clock.now(), fire)
  const after = afterOf(clock)
  const isHosts = clock.kind === 'system' && isNodes(globalThis.setTimeout)
  if (isHosts || clock.kind === 'injected') return wallQueueOf(clock, after, isHosts).schedule(at, fire)
  // What stands in for Node's timers may be taken away with all that was set, without a word: each looks for itself.
  let current: Timer
  const look = (): void => {
    const leftMs = at - clock.now()
    if (leftMs <= 0) fire()
    else current = after(Math.min(leftMs, fewLooksMs(leftMs)), look)
  }
  current = after(Math.min(Math.max(0, at - clock.now()), lookAgainMs), look)
  return { cancel: () => current.cancel() }
}

/** What sets the timers of a clock: another object where a test has put timers of its own in the place of the host's, which may be taken away with all that was set. */
export function timersOf(clock: FullClock): object {
  return clock.kind === 'system' ? globalThis.setTimeout : clock
}

function fewLooksMs(leftMs: number): number {
  return Math.max(lookAgainMs, leftMs / looksPerWait)
}

const wallQueues = new WeakMap<FullClock, { readonly after: After; readonly queue: WallTimerQueue }>()

/** The clock's queue of times of day; another one where a test has put back the timers of the host. */
function wallQueueOf(clock: FullClock, after: After, isHosts: boolean): WallTimerQueue {
  const known = wallQueues.get(clock)
  if (known !== undefined && (!isHosts || known.after === after)) return known.queue
  const { now, elapsed } = clock
  const queue = new WallTimerQueue({ now, elapsed, after, lookAgainMs: isHosts ? () => lookAgainMs : fewLooksMs })
  wallQueues.set(clock, { after, queue })
  return queue
}

/** How many timers of a clock that is moved by hand are set. */
export function queuedTimers(clock: FullClock): number {
  return queueOf(clock).size
}

const queues = new WeakMap<FullClock, TimerQueue>()

function queueOf(clock: FullClock): TimerQueue {
  let queue = queues.get(clock)
  if (queue === undefined) queues.set(clock, (queue = new TimerQueue(clock)))
  return queue
}

function afterOf(clock: FullClock): After {
  if (clock.kind === 'injected') return queued(queueOf(clock), clock)
  if (clock.kind === 'timers-only')
    return direct(
      (handler, ms) => clock.setTimeout(handler, ms),
      (handle) => clock.clearTimeout(handle),
    )
  const { setTimeout } = globalThis
  let after = hostTimers.get(setTimeout)
  if (after === undefined) hostTimers.set(setTimeout, (after = hostTimersOf(clock)))
  return after
}

/** The timers of the host, by its setTimeout: a test may have put another one there. */
const hostTimers = new WeakMap<object, After>()

function hostTimersOf(clock: FullClock): After {
  const { setTimeout, clearTimeout } = globalThis
  const clear = (handle: unknown): void => clearTimeout(handle as NodeJS.Timeout)
  // What stands in for Node's timers in a test may be taken away with all that was set, and steady time may not move with it: nothing
  // is gathered there, and nothing compared. Timers of before are kept by the functions that set them.
  if (!isNodes(setTimeout)) return direct(setTimeout, clear)
  return queued(
    new TimerQueue({ elapsed: clock.elapsed, setTimeout: (fire, ms) => setTimeout(fire, ms), clearTimeout: clear }),
    clock,
  )
}

function queued(queue: TimerQueue, { elapsed }: Pick<FullClock, 'elapsed'>): After {
  return (ms, fire) => queue.schedule(elapsed() + ms, fire)
}

function direct(set: SetTimeout, clear: (handle: unknown) => void): After {
  return (ms, fire) => {
    let leftMs = Math.max(0, Math.ceil(ms))
    let handle: unknown
    const over = (): void => {
      // node:test calls a timer again and again whose handler sets an Immediate, unless it is cleared in its handler.
      clear(handle)
      if (leftMs > 0) next()
      else fire()
    }
    const next = (): void => {
      const partMs = Math.min(leftMs, longestTimeoutMs)
      leftMs -= partMs
      handle = outsideCalls.run(() => set(over, partMs))
    }
    next()
    return { cancel: () => clear(handle) }
  }
}

const judged = new WeakMap<object, boolean>()

/** Whether it is Node's own setTimeout: its timers have a field that no stand-in has. */
function isNodes(setTimeout: typeof globalThis.setTimeout): boolean {
  let isOwn = judged.get(setTimeout)
  if (isOwn === undefined) {
    const probe: unknown = setTimeout(() => {}, 1)
    isOwn = typeof probe === 'object' && probe !== null && '_idleTimeout' in probe
    globalThis.clearTimeout(probe as NodeJS.Timeout)
    judged.set(setTimeout, isOwn)
  }
  return isOwn
}
