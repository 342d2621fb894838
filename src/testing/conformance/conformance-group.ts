import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../core/contracts/store.ts'
import type { StoreConformanceOptions, StoreSpace, TestFramework } from './conformance-options.ts'

/** What a test works with: an open store in a place of its own. */
export interface Bench {
  readonly store: Store
  readonly space: StoreSpace
  /** Another client of the same data, open; the store itself where nobody else can open its data. */
  rival(): Promise<Store>
  /** The store's clock. */
  now(): number
  /** Lets time pass for the store. */
  wait(ms: number): Promise<void>
  /** Does something while the time of day of this process is another one. */
  atOtherTimeOfDay(byMs: number, work: () => Promise<void>): Promise<void>
}

/** Declares tests, each on a fresh bench. */
export interface ConformanceGroup {
  readonly options: StoreConformanceOptions
  test(title: string, body: (bench: Bench) => Promise<void>): void
  /** A test that is skipped, by title, unless a condition holds. */
  testIf(isPossible: boolean, reason: string, title: string, body: (bench: Bench) => Promise<void>): void
}

export function conformanceGroup(framework: TestFramework, options: StoreConformanceOptions): ConformanceGroup {
  const test = (title: string, body: (bench: Bench) => Promise<void>): void => {
    framework.test(title, async () => onBench(options, body))
  }
  return {
    options,
    test,
    testIf(isPossible, reason, title, body) {
      if (isPossible) test(title, body)
      else framework.test.skip(`${title} (${options.name}: ${reason})`, async () => onBench(options, body))
    },
  }
}

async function onBench(options: StoreConformanceOptions, body: (bench: Bench) => Promise<void>): Promise<void> {
  const space = await options.createSpace()
  const opened: Store[] = []
  const open = async (): Promise<Store> => {
    const store = space.createStore()
    opened.push(store)
    await store.open()
    return store
  }
  try {
    const store = await open()
    await body({
      store,
      space,
      rival: async () => (options.capabilities.isShared ? open() : store),
      now: () => nowIn(space),
      wait: (ms) => waitIn(space, ms),
      atOtherTimeOfDay: (byMs, work) => atOtherTimeOfDay(space, byMs, work),
    })
  } finally {
    await Promise.all(opened.map((store) => store.close()))
    await space.dispose?.()
  }
}

function nowIn(space: StoreSpace): number {
  return space.now?.() ?? Date.now()
}

async function waitIn(space: StoreSpace, ms: number): Promise<void> {
  if (space.advance !== undefined) await space.advance(ms)
  else await sleep(ms)
}

async function atOtherTimeOfDay(space: StoreSpace, byMs: number, work: () => Promise<void>): Promise<void> {
  const set = space.setTimeOfDay?.bind(space) ?? setHostsTime
  set(byMs)
  try {
    await work()
  } finally {
    set(-byMs)
  }
}

const hostsNow = Date.now
let hostsShiftMs = 0

function setHostsTime(byMs: number): void {
  hostsShiftMs += byMs
  Date.now = hostsShiftMs === 0 ? hostsNow : (): number => hostsNow() + hostsShiftMs
}
