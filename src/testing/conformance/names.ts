import { append } from '../../core/append.ts'
import assert from 'node:assert/strict'
import type { StepRecord } from '../../core/contracts/execution-record.ts'
import { assertSame } from './assertions.ts'
import { awkwardNames } from './awkward.ts'
import type { ConformanceGroup } from './conformance-group.ts'
import {
  createAll,
  claimOf,
  commitTo,
  compareTexts,
  createOwned,
  epochOf,
  live,
  longLease,
  message,
  newExecution,
  range,
  recordIn,
  recordOf,
  stepRecord,
  stepsIn,
  success,
} from './records.ts'

/** That names of all kinds are kept, and distinguished. */
export function namesConformance({ test }: ConformanceGroup): void {
  test('executions with awkward ids are distinguished', async ({ store }) => {
    const texts = awkwardNames(store, 'executionId')
    const created = texts.map((id, index) => newExecution(id, { requestDigest: `request ${index}` }))
    assert.deepEqual(
      await store.create(created),
      created.map(() => undefined),
    )
    assertSame(
      await store.get(texts),
      created.map((one) => recordOf(one)),
    )
    for (const [index, id] of texts.entries())
      assert.equal((await recordIn(store, id)).requestDigest, `request ${index}`)
    const again = await createAll(store, created)
    assertSame(
      again.map((record) => record?.id),
      texts,
    )
  })

  test('executions with awkward ids are written, acquired, listed and deleted one by one', async ({ store }) => {
    const texts = awkwardNames(store, 'executionId')
    await live(store, 'ada', 'bea')
    await store.create(texts.map((id) => newExecution(id, { owner: 'ada' })))
    const done = await store.commit(texts.map((id) => commitTo(id, { steps: [naming(id)] })))
    assert.deepEqual(new Set(done), new Set([true]))
    for (const id of texts) assertSame(await stepsIn(store, id), [{ ...naming(id), execution: id }])
    assert.equal((await stepsIn(store, ...texts)).length, texts.length)
    await store.endOwner('ada')
    const [first, ...rest] = texts
    const acquired = await store.acquire({ owner: 'bea', graphs: ['users'], except: [first!], limit: 1_000 })
    assert.deepEqual(sorted(acquired.map(({ execution }) => execution.id)), sorted(rest))
    const [last] = await store.acquire({ owner: 'bea', ids: [first!], limit: 10 })
    assert.equal(last?.execution.id, first)
    const listed: string[] = []
    for (;;) {
      const id = listed.at(-1)
      const after = id === undefined ? undefined : { createdAt: acquired[0]!.execution.createdAt, id }
      const page = await store.list({ after, limit: 9 })
      if (page.length === 0) break
      append(
        listed,
        page.map((record) => record.id),
      )
    }
    assert.deepEqual(sorted(listed), sorted(texts))
    for (const [index, id] of texts.entries()) {
      assert.deepEqual(await store.delete([{ id, owner: 'bea', epoch: 2 }]), [true])
      assert.equal((await store.list({ limit: 1_000 })).length, texts.length - index - 1)
    }
  })

  test('awkward texts are kept in every field of an execution', async ({ store }) => {
    const texts = awkwardNames(store, 'executionId', 'graph', 'name')
    const created = texts.map((text, index) =>
      newExecution(`e${index}`, {
        graph: text,
        target: text,
        requestDigest: text,
        graphHash: text,
        parent: text,
        forkedFrom: text,
        headers: { [text]: text, plain: text, owned: 'acme' },
      }),
    )
    await store.create(created)
    assertSame(
      await store.get(created.map(({ id }) => id)),
      created.map((one) => recordOf(one)),
    )
  })

  test('headers of all kinds come back, many of them too', async ({ store }) => {
    const texts = awkwardNames(store)
    const headers = Object.fromEntries(texts.map((text, index) => [text, texts.at(-index - 1)!]))
    const created = [newExecution('many', { headers }), newExecution('none', { headers: {} })]
    await store.create(created)
    const kept = (await store.get(['many', 'none'])).map((record) => Object.entries(record!.headers))
    const given = created.map((one) => Object.entries(one.headers))
    assert.deepEqual(kept.map(inOrder), given.map(inOrder))
  })

  test('graphs with awkward names are distinguished', async ({ store }) => {
    const texts = awkwardNames(store, 'graph')
    await store.create(texts.map((graph, index) => newExecution(`e${index}`, { graph })))
    await live(store, 'ada')
    for (const [index, graph] of texts.entries()) {
      const listed = await store.list({ graph, limit: 10 })
      assert.deepEqual(
        listed.map(({ id }) => id),
        [`e${index}`],
      )
      const acquired = await store.acquire({ owner: 'ada', graphs: [graph], limit: 10 })
      assert.deepEqual(
        acquired.map(({ execution }) => execution.id),
        [`e${index}`],
      )
    }
  })

  test('steps and items with awkward names are distinguished', async ({ store }) => {
    const texts = awkwardNames(store, 'step', 'item', 'name')
    await createOwned(store, 'one')
    const steps = texts.flatMap((text, index) => {
      const [output, next] = [`"${index}"`, texts[(index + 1) % texts.length]!]
      const more = { output, inputHash: text, type: text, typeVersion: text }
      return [
        stepRecord(text, more),
        stepRecord('S', { ...more, item: text }),
        stepRecord(text, { ...more, item: next }),
      ]
    })
    assert.deepEqual(await store.commit([commitTo('one', { steps })]), [true])
    const read = await stepsIn(store, 'one')
    assert.equal(read.length, steps.length)
    const expected = steps.map((step) => ({ ...step, execution: 'one' }))
    assertSame(
      read,
      expected.toSorted((one, other) => compareTexts(placed(one), placed(other))),
    )
  })

  test('a step and an item are framed: moving a character from one to the other makes another record', async (bench) => {
    const { store } = bench
    await createOwned(store, 'one')
    const separators = ['', ':', '\u0000', '/', '|', ',', ' ', '"', '\\', '\u001f']
    const steps = separators.flatMap((separator) => [
      stepRecord(`a${separator}`, { item: `b${separator}c` }),
      stepRecord(`a${separator}b`, { item: `${separator}c` }),
      stepRecord(`a${separator}b${separator}c`),
    ])
    const different = new Set(steps.map(({ step, item }) => JSON.stringify([step, item])))
    await store.commit([commitTo('one', { steps })])
    assert.equal((await stepsIn(store, 'one')).length, different.size)
  })

  test('owners with awkward names are distinguished', async ({ store }) => {
    const texts = awkwardNames(store, 'owner')
    const owners = texts
    await live(store, ...owners)
    await store.create(owners.map((owner, index) => newExecution(`e${index}`, { owner })))
    await store.post(owners.map((_, index) => message(`e${index}`, `m${index}`)))
    for (const [index, owner] of owners.entries()) {
      const mail = await store.readMail({ owner, limit: 10 })
      assert.deepEqual(
        mail.map(({ kind }) => kind),
        [`m${index}`],
      )
      const commits = range(2).map((next) => commitTo(`e${(index + next) % owners.length}`, { owner }))
      assert.deepEqual(await store.commit(commits), [true, false])
    }
    for (const [index, owner] of owners.entries()) {
      if (index % 2 === 0) await store.endOwner(owner)
    }
    for (const [index, owner] of owners.entries())
      assert.equal(await store.renewOwner(owner, longLease), index % 2 === 1, JSON.stringify(owner.slice(0, 50)))
    await live(store, 'heir')
    const acquired = await store.acquire({ owner: 'heir', graphs: ['users'], limit: 1_000 })
    const expected = owners.flatMap((_, index) => (index % 2 === 0 ? [`e${index}`] : []))
    assert.deepEqual(sorted(acquired.map(({ execution }) => execution.id)), sorted(expected))
  })

  test('messages of awkward kinds come back', async ({ store }) => {
    const texts = awkwardNames(store, 'name')
    await createOwned(store, 'one')
    await store.post(texts.map((kind) => message('one', kind)))
    const mail = await store.readMail({ owner: 'ada', limit: 1_000 })
    assert.deepEqual(
      mail.map(({ kind }) => kind),
      texts,
    )
  })

  test('results with awkward keys, of steps with awkward names, are distinguished', async ({ store }) => {
    const texts = awkwardNames(store, 'resultKey', 'graph', 'step', 'name')
    await live(store, 'ada')
    const claims = texts.map((text) => claimOf(text, 'ada', { namespace: text, step: text, version: text, type: text }))
    const states = await store.claimResults(claims)
    const epochs = states.map((state) => epochOf(state, 'claimed'))
    const done = await store.commitResults(texts.map((key, index) => success(key, 'ada', epochs[index]!, `"${index}"`)))
    assert.deepEqual(new Set(done), new Set([true]))
    assertSame(
      await store.getResults(texts),
      texts.map((_, index) => ({ status: 'completed', output: `"${index}"` })),
    )
  })
}

function sorted(texts: readonly string[]): string[] {
  return texts.toSorted(compareTexts)
}

function inOrder(entries: readonly [string, string][]): string[] {
  return sorted(entries.map((entry) => JSON.stringify(entry)))
}

/** A record that says whose it is. */
function naming(id: string): StepRecord {
  return stepRecord('A', { output: JSON.stringify(id) })
}

/** As `stepsIn` orders them. */
function placed({ step, item }: StepRecord): string {
  return JSON.stringify(['one', step, item])
}
