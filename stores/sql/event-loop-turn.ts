import { hostImmediate, isNodesImmediate } from '../../src/core/host-immediate.ts'

// Half of the 10 ms after which timers and I/O are promised their turn: the call that is under way ends first.
const longestMs = 5

let since: number | undefined
/** What ends the turn: the host's setImmediate of the moment, and whether it is Node's own. */
let reporter: unknown
let canEnd = false

/**
 * Whether calls have filled this turn of the event loop for so long that the next one should wait for another turn. A store that answers at
 * once never lets the loop turn by itself: `await`s of its answers stay in the microtask queue, and a loop over pages, or a scan of
 * what waits, would hold up timers, requests, and the renewal of the lease.
 */
export function isTurnOver(): boolean {
  const { performance } = globalThis
  const setImmediate = hostImmediate()
  const now = performance.now()
  if (since === undefined || reporter !== setImmediate) {
    since = now
    reporter = setImmediate
    // Where a test fakes it, it fires when the test says so, or never; some fakes give a number.
    canEnd = isNodesImmediate(setImmediate(endTurn))
    return false
  }
  return canEnd && now - since >= longestMs
}

const waiting: (() => void)[] = []

/**
 * Resolves in a turn that has time, in the order of the calls: a loop over what takes long waits after each portion behind all that have come
 * meanwhile. Were all of them woken in each turn, those that take the whole of it would be the first each time.
 */
export function nextTurn(): Promise<void> {
  return new Promise<void>((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) hostImmediate()(serve)
  })
}

async function serve(): Promise<void> {
  while (!isTurnOver()) {
    waiting[0]!()
    // What it waited for is done by then, in the microtask before.
    await undefined
    waiting.shift()
    if (waiting.length === 0) return
  }
  hostImmediate()(serve)
}

function endTurn(): void {
  since = undefined
}
