import { describe, expect, test } from 'vitest'
import { World } from './durable-time.ts'
import { fatalAt } from './fatal-commit.ts'
import { Rooms, Stay } from './rooms.ts'

const input = { Night: 'monday' }

describe('in a docket, what the losers of races did', () => {
  test('is undone while the execution goes on, and its details say so', async () => {
    const world = new World()
    const rooms = new Rooms(world.clock)
    const hotels = rooms.hotels()
    const docket = world.process({ graphs: [hotels] })
    const handle = await docket.start(hotels, Stay, input, { id: 'a' })
    expect(await world.clock.settle(handle.result())).toBe('slept')
    expect(rooms.log).toEqual(['book hold', 'book near', 'book far', 'cancel far', 'cancel hold'])
    const { status, steps } = await handle.details()
    expect(status).toBe('completed')
    expect(steps.map(({ step, status: of, undo }) => [step, of, undo?.status]).toSorted()).toEqual([
      ['Book', 'completed', undefined],
      ['BookFar', 'completed', 'undone'],
      ['BookNear', 'completed', undefined],
      ['HoldFar', 'completed', 'undone'],
      ['Stay', 'completed', undefined],
    ])
    await docket.close()
  })

  test('keeps its row open, though the outcome is there for all, until it is undone', async () => {
    const world = new World()
    const rooms = new Rooms(world.clock)
    rooms.farMs = 3_000
    rooms.stayMs = 0
    const hotels = rooms.hotels()
    const docket = world.process({ graphs: [hotels] })
    const other = world.process({ graphs: [hotels], takeOver: false })
    const handle = await docket.start(hotels, Stay, input, { id: 'a' })
    const elsewhere = (await other.get('a'))!
    expect(await world.clock.settle(handle.result())).toBe('slept')
    expect(await world.clock.settle(elsewhere.result())).toBe('slept')
    expect(await docket.execute(hotels, Stay, input, { id: 'a' })).toBe('slept')
    expect(await world.clock.settle(other.execute(hotels, Stay, input, { id: 'a' }))).toBe('slept')
    expect(rooms.log).toEqual(['book hold', 'book near'])
    await handle.cancel()
    expect(await elsewhere.details()).toMatchObject({ status: 'compensating', output: 'slept' })
    await world.clock.advance(5_000)
    expect(rooms.log).toEqual(['book hold', 'book near', 'book far', 'cancel far', 'cancel hold'])
    expect(await elsewhere.details()).toMatchObject({ status: 'completed', output: 'slept' })
    await docket.close()
    await other.close()
  })

  test('that can’t be undone changes no outcome, and is shown', async () => {
    const world = new World()
    const rooms = new Rooms(world.clock)
    rooms.undo = (what) => {
      if (what === 'far') throw new Error('line is dead')
    }
    const hotels = rooms.hotels()
    const docket = world.process({ graphs: [hotels] })
    const handle = await docket.start(hotels, Stay, input, { id: 'a' })
    expect(await world.clock.settle(handle.result())).toBe('slept')
    await world.clock.advance(10_000)
    const { status, steps, error } = await handle.details()
    expect([status, error]).toEqual(['completed', undefined])
    expect(steps.find(({ step }) => step === 'BookFar')!.undo).toMatchObject({
      status: 'failed',
      attempt: 3,
      error: { message: 'line is dead' },
    })
    expect([...rooms.booked.values()]).toEqual(['near', 'far'])
    await docket.close()
  })

  test.each([
    ['before', 100],
    ['after', 100],
    ['before', 0],
    ['after', 0],
  ] as const)(
    'is undone whatever the process dies of, right %s any of its commits (what comes after the race takes %i ms)',
    async (when, stayMs) => {
      let wasFatal = true
      for (let n = 1; wasFatal; n++) {
        const world = new World()
        const rooms = new Rooms(world.clock)
        rooms.stayMs = stayMs
        const hotels = rooms.hotels()
        let hasDied = false
        const fatal = fatalAt(world.store, n, when, () => {
          hasDied = true
          die()
        })
        const { docket, die } = world.mortal({ graphs: [hotels], lease: '2s' }, fatal)
        void docket.start(hotels, Stay, input, { id: 'a' }).then(
          (handle) => handle.result().catch(() => {}),
          () => {},
        )
        await world.clock.advance(5_000)
        wasFatal = hasDied
        if (!hasDied) die()
        const next = world.process({ graphs: [hotels], lease: '2s' })
        await world.clock.advance(20_000)
        const label = `died ${when} commit ${n}`
        const handle = await next.get('a')
        if (handle === undefined) continue
        expect(await world.clock.settle(handle.result()), label).toBe('slept')
        expect([...rooms.booked.values()], label).toEqual(['near'])
        expect((await handle.details()).status, label).toBe('completed')
        await next.close()
        expect(n).toBeLessThan(60)
      }
    },
  )

  test('is undone once where the execution fails afterwards, or is cancelled meanwhile', async () => {
    const world = new World()
    const rooms = new Rooms(world.clock)
    rooms.stay = () => {
      throw new Error('no')
    }
    const hotels = rooms.hotels()
    const docket = world.process({ graphs: [hotels] })
    const handle = await docket.start(hotels, Stay, input, { id: 'a' })
    await world.clock.settle(handle.result().catch(() => {}))
    expect(rooms.log.slice(3)).toEqual(['cancel far', 'cancel hold', 'cancel near'])
    const cancelled = await docket.start(hotels, Stay, input, { id: 'b' })
    await world.clock.advance(30)
    await world.clock.settle(cancelled.cancel())
    await world.clock.settle(cancelled.result().catch(() => {}))
    expect(rooms.log.slice(6)).toEqual([
      'book hold',
      'book near',
      'cancel near',
      'book far',
      'cancel far',
      'cancel hold',
    ])
    expect(rooms.booked.size).toBe(0)
    await docket.close()
  })

  test('and its winner too, where the execution failed, a retry decides anew', async () => {
    const world = new World()
    const rooms = new Rooms(world.clock)
    let fails = true
    rooms.stay = () => {
      if (fails) throw new Error('no')
      return 'slept'
    }
    const hotels = rooms.hotels()
    const docket = world.process({ graphs: [hotels] })
    const handle = await docket.start(hotels, Stay, input, { id: 'a' })
    await world.clock.settle(handle.result().catch(() => {}))
    fails = false
    await docket.retry('a')
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe('slept')
    await docket.close()
    expect([...rooms.booked.values()]).toEqual(['near'])
    expect(rooms.log.slice(6)).toEqual(['book hold', 'book near', 'book far', 'cancel far', 'cancel hold'])
  })

  test('is undone by another docket where this one closes meanwhile, or has lost its lease', async () => {
    for (const leaves of ['closes', 'sleeps', 'closes early'] as const) {
      const world = new World()
      const rooms = new Rooms(world.clock)
      rooms.stayMs = leaves === 'closes early' ? 1_000 : 0
      rooms.undo = (what, attempt) => {
        if (what === 'far' && attempt < 3) throw new Error('busy')
      }
      const hotels = rooms.hotels()
      const { docket, stall, wake } = world.mortal({ graphs: [hotels], lease: '2s' })
      const handle = await docket.start(hotels, Stay, input, { id: 'a' })
      await world.clock.advance(100)
      if (leaves !== 'closes early') expect(await handle.result()).toBe('slept')
      if (leaves === 'sleeps') stall()
      else await world.clock.settle(docket.close({ deadline: 1 }))
      const next = world.process({ graphs: [hotels], lease: '2s' })
      await world.clock.advance(20_000)
      if (leaves === 'sleeps') wake()
      await world.clock.advance(20_000)
      expect(rooms.log, leaves).toEqual(['book hold', 'book near', 'book far', 'cancel far', 'cancel hold'])
      expect(await (await next.get('a'))!.details(), leaves).toMatchObject({ status: 'completed', output: 'slept' })
      await world.clock.settle(next.close())
    }
  })

  test('is undone before the execution is deleted', async () => {
    const world = new World()
    const rooms = new Rooms(world.clock)
    rooms.stayMs = 0
    const hotels = rooms.hotels()
    const docket = world.process({ graphs: [hotels] })
    const handle = await docket.start(hotels, Stay, input, { id: 'a' })
    await world.clock.settle(handle.result())
    expect(await world.clock.settle(docket.delete('a'))).toBe(true)
    expect(rooms.log).toEqual(['book hold', 'book near', 'book far', 'cancel far', 'cancel hold'])
    expect(await docket.get('a')).toBeUndefined()
    await docket.close()
  })

  test('is not done again, nor undone, by a fork', async () => {
    const world = new World()
    const rooms = new Rooms(world.clock)
    const hotels = rooms.hotels()
    const docket = world.process({ graphs: [hotels] })
    rooms.undo = (what, attempt) => {
      if (what === 'far' && attempt < 3) throw new Error('busy')
    }
    const handle = await docket.start(hotels, Stay, input, { id: 'a' })
    await world.clock.advance(60)
    const early = await docket.fork('a', { from: 'Stay' })
    await world.clock.settle(handle.result())
    const late = await docket.fork('a', { from: 'Stay' })
    const anew = await docket.fork('a', { from: 'BookNear' })
    for (const fork of [early, late, anew]) expect(await world.clock.settle(fork.result())).toBe('slept')
    await world.clock.advance(10_000)
    expect(rooms.log.toSorted()).toEqual(
      ['hold', 'near', 'far', 'hold', 'near', 'far']
        .map((what) => `book ${what}`)
        .concat(['far', 'hold', 'far', 'hold'].map((what) => `cancel ${what}`))
        .toSorted(),
    )
    await docket.close()
  })
})
