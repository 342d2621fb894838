import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame, assertStoreError } from './assertions.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import { claimOf, commitTo, createOwned, longLease, newExecution, recordIn, stepRecord, stepsIn } from './records.ts'

const patienceMs = 20_000

/** What happens while the server can't be reached. */
export function outageConformance({ options, testIf }: ConformanceGroup): void {
  const { createInterruptibleSpace } = options
  const title = 'while the server is away calls are refused, and once it is back the same client goes on'
  testIf(createInterruptibleSpace !== undefined, 'has no server that could go away', title, async () => {
    const space = await createInterruptibleSpace!()
    const store = space.createStore()
    try {
      await store.open()
      await createOwned(store, 'one')
      await store.commit([commitTo('one', { steps: [stepRecord('A')] })])
      await space.goAway()
      const calls = [
        () => store.get(['one']),
        () => store.renewOwner('ada', longLease),
        () => store.create([newExecution('two')]),
        () => store.commit([commitTo('one', { steps: [stepRecord('B')] })]),
        () => store.acquire({ owner: 'ada', graphs: ['users'], limit: 1 }),
        () => store.claimResults([claimOf('key', 'ada')]),
      ]
      const refused = calls.map((call) => assertStoreError(inTime(call)))
      assert.deepEqual(
        await Promise.all(refused),
        calls.map(() => true),
      )
      await space.comeBack()
      await untilAnswered(store)
      assert.equal((await recordIn(store, 'one')).owner, 'ada')
      assert.equal(await store.renewOwner('ada', longLease), true)
      assert.deepEqual(await store.commit([commitTo('one', { steps: [stepRecord('C')] })]), [true])
      const steps = (await stepsIn(store, 'one')).map(({ step }) => step)
      assertSame([steps[0], steps.at(-1)], ['A', 'C'])
    } finally {
      await store.close().catch(() => {})
      await space.dispose?.()
    }
  })
}

/** A call that never ends is as bad as a wrong answer. */
async function inTime(call: () => Promise<unknown>): Promise<unknown> {
  const ending = new AbortController()
  try {
    return await Promise.race([
      call(),
      sleep(patienceMs, undefined, { signal: ending.signal }).then(() => {
        throw new Error(`no answer within ${patienceMs} ms while the server was away: ${call.toString()}`)
      }),
    ])
  } finally {
    ending.abort()
  }
}

async function untilAnswered(store: Store): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(100)) {
    try {
      await store.get(['one'])
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await assertStoreError(Promise.reject(error as Error))
    }
  }
}
