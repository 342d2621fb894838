import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeLimit } from '../../../src/durable/limits/limit-state.ts'
import type { LimitDeclaration, LimitPlace, LimitState } from '../../../src/durable/limits/limit-state.ts'

const seed = Math.floor(Math.random() * 2 ** 31)
const owners = ['p0', 'p1', 'p2']

/** What may happen to one process at a time. */
const moves = fc.array(
  fc.record({
    owner: fc.constantFrom(...owners),
    what: fc.constantFrom('enter', 'enter', 'look', 'look', 'leave', 'die'),
    passesMs: fc.integer({ min: 0, max: 400 }),
    pick: fc.nat(1_000),
  }),
  { minLength: 20, maxLength: 150 },
)

/** Processes that come, look, leave and die, over one state; gives when each began. */
function play(declared: LimitDeclaration, all: typeof moves extends fc.Arbitrary<infer Moves> ? Moves : never) {
  let state: LimitState | undefined
  let now = 1_000
  let count = 0
  const lives = new Map(owners.map((owner) => [owner, 0]))
  const waiting = new Map<string, { execution: string; item: string; since: number | undefined }[]>()
  const held = new Map<string, LimitPlace[]>()
  const begun: { readonly execution: string; readonly since: number; readonly at: number }[] = []
  const dead = new Set<string>()
  for (const { owner: name, what, passesMs, pick } of all) {
    now += passesMs
    const owner = `${name}-${lives.get(name)}`
    const line = waiting.get(owner) ?? []
    const mine = held.get(owner) ?? []
    waiting.set(owner, line)
    held.set(owner, mine)
    if (what === 'die') {
      dead.add(owner)
      lives.set(name, lives.get(name)! + 1)
      waiting.delete(owner)
      held.delete(owner)
      continue
    }
    if (what === 'enter') line.push({ execution: `e${count++}`, item: '', since: undefined })
    const leaving = what === 'leave' && mine.length > 0 ? mine.splice(pick % mine.length, 1) : []
    const isHere = ({ execution }: Pick<LimitPlace, 'execution'>): boolean =>
      [...mine, ...line].some((one) => one.execution === execution)
    const verdict = judgeLimit(state, { owner, declared, isHere, leaving, waiting: line, dead, now })
    // As a store gives it back.
    state = verdict.state === undefined ? undefined : (JSON.parse(JSON.stringify(verdict.state)) as LimitState)
    const left: typeof line = []
    for (const [index, { isGranted, since }] of verdict.outcomes.entries()) {
      const { execution, item } = line[index]!
      if (!isGranted) left.push({ execution, item, since })
      else {
        begun.push({ execution, since, at: now })
        if (declared.perMs === undefined) mine.push({ execution, item, owner })
      }
    }
    waiting.set(owner, left)
    if (declared.perMs === undefined) {
      const running = [...held.values()].flat().length
      expect(running).toBeLessThanOrEqual(declared.limit)
      // Whoever waits where there is room waits for others that have waited longer.
      if (left.length > 0 && running < declared.limit) {
        const others = state!.waiters.filter((waiter) => waiter.owner !== owner)
        expect(others.length).toBeGreaterThanOrEqual(declared.limit - running)
        for (const other of others.slice(0, declared.limit - running))
          expect(other.since).toBeLessThanOrEqual(left[0]!.since!)
      }
    }
  }
  return { begun, state }
}

test(`slots are never more than the limit, and are left to those that have waited longer (seed ${seed})`, () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), moves, (limit, all) => {
      play({ limit, perMs: undefined, burst: 1, version: 0, at: 0 }, all)
    }),
    { seed, numRuns: 200 },
  )
})

test(`in no time more begin than a rate and its burst allow (seed ${seed})`, () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 6 }), moves, (limit, burst, all) => {
      const { begun } = play({ limit, perMs: 1_000, burst, version: 0, at: 0 }, all)
      for (const [index, { at: from }] of begun.entries())
        for (let until = index; until < begun.length; until++)
          expect(until - index + 1).toBeLessThanOrEqual(((begun[until]!.at - from) * limit) / 1_000 + burst + 1e-6)
    }),
    { seed, numRuns: 200 },
  )
})
