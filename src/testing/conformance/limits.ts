import assert from 'node:assert/strict'
import { nameBytes, problemsOfLimits } from '../../core/check-length.ts'
import type { Store } from '../../core/contracts/store.ts'
import type { StoreLimits } from '../../core/contracts/store-limits.ts'
import { assertSame } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  checkpointRecord,
  claimOf,
  commitTo,
  compareTexts,
  epochOf,
  live,
  message,
  newExecution,
  recordOf,
  stepRecord,
  stepsIn,
  success,
} from './records.ts'

/** How long names are tried of a store that takes any. */
const anyLength = 100_000

/** Characters of many kinds, none of which repeats another so that it could be compressed. */
const characters: Readonly<Record<string, (random: number) => string>> = {
  'one byte each': (random) => String.fromCharCode(0x21 + (random % 0x5e)),
  'four bytes each': (random) => String.fromCodePoint(0x1_0000 + (random % 0x10_0000)),
  'NUL and others': (random) => (random % 2 === 0 ? '\0' : String.fromCharCode(0x21 + (random % 0x5e))),
  'lone surrogates and others': (random) =>
    random % 2 === 0 ? String.fromCharCode(0xdc00 + (random % 0x400)) : String.fromCharCode(0x21 + (random % 0x5e)),
}

/** That a store keeps names as long as it declares, all of them at once, and distinguishes them. */
export function limitsConformance({ test }: ConformanceGroup): void {
  test('limits are whole numbers of bytes, and leave room for what Docket makes up', async ({ store }) => {
    assert.deepEqual(
      problemsOfLimits(store).filter((problem) => typeof problem === 'string'),
      [],
    )
  })

  for (const kind of Object.keys(characters)) {
    test(`names as long as the limits are kept, and distinguished by their last character: ${kind}`, async (bench) => {
      const { store } = bench
      const [one, other] = namesOf(store, kind)
      await live(store, one.owner, other.owner)
      const created = [one, other].map((names) =>
        newExecution(names.executionId, {
          owner: names.owner,
          graph: names.graph,
          target: names.name,
          parent: names.executionId,
          forkedFrom: names.executionId,
          startedAt: 1,
        }),
      )
      const withSteps = created.map((execution, index) => ({
        ...execution,
        steps: [stepOf([one, other][index]!, 'running')],
      }))
      assert.deepEqual(await store.create(withSteps), [undefined, undefined])
      assertSame(
        await store.get(created.map(({ id }) => id)),
        created.map((execution) => recordOf(execution)),
      )
      for (const names of [one, other]) await requireUsable(store, names)
      for (const names of [one, other]) {
        const listed = await store.list({ graph: names.graph, limit: 10 })
        assert.deepEqual(
          listed.map(({ id }) => id),
          [names.executionId],
        )
      }
      await store.endOwner(one.owner)
      const states = await store.readOwners([one.owner, other.owner])
      assert.deepEqual(
        states.map((state) => state?.isAlive),
        [false, true],
      )
      const graphs = [one.graph, other.graph]
      const acquired = await store.acquire({ owner: other.owner, graphs, except: [other.executionId], limit: 10 })
      assert.deepEqual(
        acquired.map(({ execution }) => execution.id),
        [one.executionId],
      )
      const mine = { id: one.executionId, owner: other.owner, epoch: 2 }
      assert.deepEqual(await store.delete([mine, { ...mine, id: other.executionId, epoch: 1 }]), [true, true])
    })
  }

  test('results with keys as long as the limits are kept, and distinguished by their last character', async (bench) => {
    const { store } = bench
    for (const kind of Object.keys(characters)) {
      const both = namesOf(store, kind)
      const { owner } = both[0]
      await live(store, owner)
      const states = await store.claimResults(both.map((names) => claimOf(names.resultKey, owner, identityOf(names))))
      const ended = both.map(({ resultKey }, index) =>
        success(resultKey, owner, epochOf(states[index], 'claimed'), `"${index}"`),
      )
      assert.deepEqual(await store.commitResults(ended), [true, true])
      assertSame(
        await store.getResults(both.map(({ resultKey }) => resultKey)),
        both.map((_, index) => ({ status: 'completed', output: `"${index}"` })),
      )
    }
  })
}

type Names = Readonly<Record<keyof StoreLimits, string>>

/** Commits, mail: each finds its own. */
async function requireUsable(store: Store, names: Names): Promise<void> {
  const { executionId, owner } = names
  assert.deepEqual(await store.commit([commitTo(executionId, { owner, steps: [stepOf(names, 'completed')] })]), [true])
  assertSame(await stepsIn(store, executionId), [{ ...stepOf(names, 'completed'), execution: executionId }])
  if (store.readCheckpoints !== undefined) {
    const checkpoint = checkpointRecord(names.checkpoint, { step: names.step, item: names.item })
    assert.deepEqual(await store.commit([commitTo(executionId, { owner, checkpoints: [checkpoint] })]), [true])
    const only = { generation: 0, names: [names.checkpoint] }
    assertSame(await store.readCheckpoints({ execution: executionId, of: checkpoint, only, limit: 9 }), [checkpoint])
  }
  const signal = message(executionId, 'signal', { class: 'data', id: names.message, slot: names.message })
  const next = { ...signal, id: names.message.slice(1) }
  // An id as long as it may be is remembered, and so is a slot.
  assert.deepEqual(await store.post([signal]), ['accepted'])
  assert.deepEqual(await store.post([signal, next]), ['accepted', 'duplicate'])
  const [read] = await store.readMail({ owner, limit: 10 })
  assert.deepEqual([read?.id, read?.slot], [names.message, names.message])
  const opened = { owner, consumed: [read!.seq], openedSlots: [names.message] }
  assert.deepEqual(await store.commit([commitTo(executionId, opened)]), [true])
  assert.deepEqual(await store.commit([commitTo(executionId, { owner, closedSlots: [names.message] })]), [true])
  assert.deepEqual(await store.post([{ ...signal, id: undefined }]), ['late'])
  assert.deepEqual(await store.post([message(executionId, 'cancel')]), ['accepted'])
  const mail = await store.readMail({ owner, limit: 10 })
  assert.deepEqual(
    mail.map(({ execution }) => execution),
    [executionId],
  )
}

function stepOf({ step, item, name }: Names, status: 'running' | 'completed'): ReturnType<typeof stepRecord> {
  return stepRecord(step, { item, status, type: name, typeVersion: name })
}

function identityOf({ graph, step, name }: Names) {
  return { namespace: graph, step, version: name, type: name }
}

type Pair = readonly [Names, Names]

/** By what they are of and the limits. Stores that take any name have the same ones: to make them takes longer than most tests. */
const pairs = new Map<string, Pair>()

/** Two of each kind, which are the same but for the last character. */
function namesOf({ limits = {} }: Store, kind: string): Pair {
  const key = JSON.stringify([kind, limits])
  const pair = pairs.get(key) ?? newPair(limits, characters[kind]!)
  pairs.set(key, pair)
  return pair
}

function newPair(limits: Partial<StoreLimits>, character: (random: number) => string): Pair {
  const beginnings = new Map<string, string>()
  const named = (last: string): Names => {
    const name = (limit: keyof StoreLimits): string => {
      const most = limits[limit] ?? anyLength
      const beginning = beginnings.get(limit) ?? textOf(most - 1, limit, character)
      beginnings.set(limit, beginning)
      const text = beginning + last
      assert.equal(nameBytes(text), most)
      return text
    }
    return {
      executionId: name('executionId'),
      graph: name('graph'),
      step: name('step'),
      item: name('item'),
      owner: name('owner'),
      resultKey: name('resultKey'),
      name: name('name'),
      message: name('message'),
      checkpoint: name('checkpoint'),
      queue: name('queue'),
      key: name('key'),
    }
  }
  const [one, other] = [named('a'), named('b')]
  assert.notEqual(compareTexts(one.executionId, other.executionId), 0)
  return [one, other]
}

/** A text of so many bytes, the same in each run. */
function textOf(bytes: number, seed: string, character: (random: number) => string): string {
  let text = ''
  let state = [...seed].reduce((sum, one) => sum * 31 + one.charCodeAt(0), 7) >>> 0
  for (let left = bytes; left > 0;) {
    // Xorshift: that it can't be guessed doesn't matter, only that nothing repeats itself.
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    const one = character(state >>> 0)
    const size = nameBytes(one)
    text += size <= left ? one : 'x'
    left -= size <= left ? size : 1
  }
  return text
}
