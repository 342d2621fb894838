import assert from 'node:assert/strict'
import { append } from '../../core/append.ts'
import type { ScheduleRecord } from '../../core/contracts/schedule-record.ts'
import type { Store } from '../../core/contracts/store.ts'
import { assertSame } from './assertions.ts'
import type { Bench, ConformanceGroup } from './conformance-group.ts'
import { range, someTime } from './records.ts'

const hostile = 'Ünïcode \u0000 \u0001 ␛ \ud800 100%\'"\\/\n'

/** Schedules: what is added, changed and taken, by many at once. */
export function schedulesConformance({ test }: ConformanceGroup): void {
  test('a schedule comes back as it was added; whoever adds it again is given what is there', async (bench) => {
    const { store } = bench
    const whole = newSchedule(hostile, {
      graph: hostile,
      target: hostile,
      inputs: Uint8Array.of(0, 255, 10),
      digest: hostile,
      rule: {
        cron: '*/5 * * * *',
        timeZone: 'Europe/Berlin',
        overlap: 'bufferOne',
        catchUp: { max: 3 },
        jitterMs: 1.5,
        startAt: someTime,
        endAt: someTime + 1,
        nominalTime: hostile,
        pauseOnFailure: true,
        metadata: { [hostile]: hostile, __proto: '' },
        start: { headers: { a: hostile }, timeout: '5s', priority: -1 },
      },
      pausedAt: someTime + 2,
      note: hostile,
      lastAt: someTime + 3,
      bufferedAt: someTime + 4,
      started: 1,
      skipped: 2 ** 40,
      missed: 3,
      failures: 4,
      runs: ['a', hostile],
    })
    assertSame(await store.addSchedules([whole]), [whole])
    assertSame(await store.addSchedules([{ ...whole, write: 'other', target: 'other' }]), [whole])
    const plain = newSchedule('plain')
    assertSame(await store.addSchedules([whole, plain, plain]), [whole, plain, plain])
    const rival = await bench.rival()
    assertSame(await rival.getSchedules(['nobody', hostile, 'plain', hostile]), [undefined, whole, plain, whole])
    assert.deepEqual(await store.getSchedules([]), [])
    assert.deepEqual(await store.addSchedules([]), [])
  })

  test('of many that add one at once, one has added it', async (bench) => {
    const clients = [bench.store, await bench.rival()]
    const added = await Promise.all(
      range(20).map((index) => clients[index % 2]!.addSchedules([newSchedule('a', { write: `w${index}` })])),
    )
    assert.equal(new Set(added.flat().map(({ write }) => write)).size, 1)
  })

  test('a change goes on from the revision before it, and may be repeated', async ({ store }) => {
    const first = newSchedule('a')
    const second = { ...first, revision: 2, write: 'second', dueAt: undefined, nextAt: undefined, note: 'done' }
    const other = { ...second, write: 'other', note: 'other' }
    await store.addSchedules([first])
    assert.deepEqual(await store.changeSchedules([{ ...second, revision: 3 }]), [false])
    assert.deepEqual(await store.changeSchedules([second, { ...second, name: 'nobody' }]), [true, false])
    assert.deepEqual(await store.changeSchedules([other]), [false])
    assert.deepEqual(await store.changeSchedules([second]), [true])
    assertSame(await store.getSchedules(['a', 'nobody']), [second, undefined])
    assert.deepEqual(await store.changeSchedules([]), [])
  })

  test('a revision may be as high as a time in milliseconds', async ({ store }) => {
    const first = newSchedule('a', { revision: someTime })
    const second = { ...first, revision: someTime + 1, write: 'second' }
    await store.addSchedules([first])
    assert.deepEqual(await store.changeSchedules([{ ...second, revision: 2 }]), [false])
    assert.deepEqual(await store.changeSchedules([second]), [true])
    assertSame(await store.getSchedules(['a']), [second])
  })

  test('of many changes at once that go on from the same revision, one holds', async (bench) => {
    const clients = [bench.store, await bench.rival()]
    const first = newSchedule('a')
    await bench.store.addSchedules([first])
    const held = await Promise.all(
      range(20).map((index) =>
        clients[index % 2]!.changeSchedules([{ ...first, revision: 2, write: `w${index}`, started: index }]),
      ),
    )
    const winner = held.flat().indexOf(true)
    assert.equal(held.flat().filter(Boolean).length, 1)
    assert.equal((await scheduleIn(bench.store, 'a')).started, winner)
  })

  test('what is due is taken, the earliest first; what is not, is paused, or is of another graph, is left', async (bench) => {
    const { store } = bench
    await store.addSchedules([
      newSchedule('late', { dueAt: someTime + 50, nextAt: someTime + 50 }),
      newSchedule('early', { dueAt: someTime + 10, nextAt: someTime + 10 }),
      newSchedule('exact', { dueAt: someTime + 100, nextAt: someTime + 100 }),
      newSchedule('later', { dueAt: someTime + 101 }),
      newSchedule('never', { dueAt: undefined }),
      newSchedule('foreign', { dueAt: someTime, graph: 'other' }),
      newSchedule('second', { dueAt: someTime + 20, nextAt: someTime + 20, graph: `${hostile}2` }),
    ])
    const graphs = ['orders', `${hostile}2`, 'none']
    const taken = await take(bench, someTime + 100, { graphs })
    assert.deepEqual(names(taken), ['early', 'second', 'late', 'exact'])
    assert.equal(taken[0]!.nextAt, someTime + 10)
    assert.equal(taken[0]!.revision, 1)
    assert.deepEqual(await take(bench, someTime + 100, { graphs }), [])
    assert.deepEqual(await take(bench, someTime + 100, { graphs: [] }), [])
    assert.deepEqual(await take(bench, someTime + 100, { graphs: ['other'], limit: 0 }), [])
    assert.deepEqual(names(await take(bench, someTime + 100, { graphs: ['other'] })), ['foreign'])
  })

  test('what was taken is due again at the time that was said, unless it was changed', async (bench) => {
    const { store } = bench
    const [dead, done] = [newSchedule('dead'), newSchedule('done')]
    await store.addSchedules([dead, done])
    const until = someTime + 10_000
    assert.equal((await take(bench, someTime + 100, { until })).length, 2)
    assert.equal((await scheduleIn(store, 'dead')).dueAt, until)
    const moved = { ...done, revision: 2, write: 'moved', dueAt: someTime + 99_000 }
    assert.deepEqual(await store.changeSchedules([moved]), [true])
    assert.deepEqual(await take(bench, until - 1), [])
    assert.deepEqual(names(await take(bench, until)), ['dead'])
  })

  test('of many that take at once, one gets each', async (bench) => {
    const clients = [bench.store, await bench.rival()]
    await bench.store.addSchedules(range(300).map((index) => newSchedule(`s${index}`)))
    const taken: string[] = []
    for (;;) {
      const found = await Promise.all(
        range(6).map((index) =>
          clients[index % 2]!.takeSchedules({
            graphs: ['orders'],
            before: someTime + 1,
            until: someTime + 99_000,
            taker: `t${taken.length} ${index}`,
            limit: 50,
          }),
        ),
      )
      assert.equal(found.filter(({ length }) => length > 50).length, 0)
      if (found.flat().length === 0) break
      append(taken, names(found.flat()))
    }
    assert.equal(taken.length, 300)
    assert.equal(new Set(taken).size, 300)
  })

  test('when the first one of some graphs is due is known, whoever has added or moved it', async (bench) => {
    const { store } = bench
    assert.equal(await store.nextSchedule(['orders']), undefined)
    assert.equal(await store.nextSchedule([]), undefined)
    const one = newSchedule('one', { dueAt: someTime + 500 })
    await store.addSchedules([one, newSchedule('two', { dueAt: someTime + 700, graph: hostile })])
    await store.addSchedules([newSchedule('three', { dueAt: undefined, graph: 'idle' })])
    const many = range(150).map((index) => `graph ${index}`)
    const rival = await bench.rival()
    assert.equal(await rival.nextSchedule(['orders', hostile]), someTime + 500)
    assert.equal(await rival.nextSchedule([...many, hostile]), someTime + 700)
    assert.equal(await rival.nextSchedule(['idle', 'none']), undefined)
    await store.changeSchedules([{ ...one, revision: 2, graph: 'idle' }])
    assert.equal(await rival.nextSchedule(['orders', hostile]), someTime + 700)
    assert.equal(await rival.nextSchedule(['idle']), someTime + 500)
    assert.deepEqual(names(await store.listSchedules({ graph: 'orders', limit: 9 })), [])
  })

  test('schedules are listed in portions, each once, all or those of a graph', async ({ store }) => {
    const all = range(40).map((index) =>
      newSchedule(index === 7 ? hostile : `s${index}`, { graph: index % 4 === 0 ? hostile : 'orders' }),
    )
    await store.addSchedules(all)
    for (const graph of [undefined, 'orders', hostile, 'none']) {
      const found: ScheduleRecord[] = []
      for (let after: string | undefined; ;) {
        const some = await store.listSchedules({ graph, after, limit: 7 })
        assert.ok(some.length <= 7)
        append(found, some)
        assert.ok(found.length <= all.length, 'it never ends')
        if (some.length === 0) break
        after = some.at(-1)!.name
      }
      const expected = all.filter((one) => graph === undefined || one.graph === graph)
      assert.deepEqual(names(found).toSorted(), names(expected).toSorted())
      assert.deepEqual(names(await store.listSchedules({ graph, limit: 99 })), names(found))
    }
  })

  test('a schedule that is deleted is gone, and its name is free', async (bench) => {
    const { store } = bench
    const first = newSchedule(hostile)
    await store.addSchedules([first, newSchedule('b')])
    assert.deepEqual(await store.deleteSchedules(['nobody', hostile]), [false, true])
    assert.deepEqual(await store.deleteSchedules([hostile]), [false])
    assert.deepEqual(await store.deleteSchedules([]), [])
    assert.deepEqual(await store.changeSchedules([{ ...first, revision: 2 }]), [false])
    assert.deepEqual(names(await store.listSchedules({ limit: 9 })), ['b'])
    assert.deepEqual(names(await take(bench, someTime + 100)), ['b'])
    const again = newSchedule(hostile, { write: 'again' })
    assertSame(await store.addSchedules([again]), [again])
  })

  test('names of 200 bytes are kept, and are not mistaken for each other', async (bench) => {
    const long = ['a'.repeat(200), `${'a'.repeat(199)}b`, 'é'.repeat(100), '\u0000'.repeat(28)]
    await bench.store.addSchedules(long.map((name) => newSchedule(name)))
    assert.deepEqual(names(await take(bench, someTime + 1)).toSorted(), long.toSorted())
  })
}

function newSchedule(name: string, more: Partial<ScheduleRecord> = {}): ScheduleRecord {
  return {
    name,
    graph: 'orders',
    target: 'Receipt',
    inputs: '{"Order":1}',
    rule: { everyMs: 1_000, overlap: 'skip', catchUp: 'last', metadata: {}, start: {} },
    digest: 'digest',
    nextAt: someTime,
    dueAt: someTime,
    pausedAt: undefined,
    note: undefined,
    lastAt: undefined,
    bufferedAt: undefined,
    started: 0,
    skipped: 0,
    missed: 0,
    failures: 0,
    runs: [],
    createdAt: someTime,
    updatedAt: someTime,
    revision: 1,
    write: `write of ${name.length}`,
    ...more,
  }
}

let takers = 0

function take(
  { store }: Pick<Bench, 'store'>,
  before: number,
  more: Partial<Parameters<Store['takeSchedules']>[0]> = {},
): Promise<readonly ScheduleRecord[]> {
  const taker = `taker-${takers++}`
  return store.takeSchedules({ graphs: ['orders'], before, until: before + 60_000, taker, limit: 100, ...more })
}

function names(schedules: readonly ScheduleRecord[]): readonly string[] {
  return schedules.map(({ name }) => name)
}

async function scheduleIn(store: Store, name: string): Promise<ScheduleRecord> {
  const [found] = await store.getSchedules([name])
  assert.ok(found !== undefined)
  return found
}
