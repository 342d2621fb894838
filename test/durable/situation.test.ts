import { describe, expect, test } from 'vitest'
import { step } from '../../src/index.ts'
import { expectNoUnhandledErrors, looseGraph, never, number } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { End, stuckGraph } from './stuck-graph.ts'

expectNoUnhandledErrors()

describe('the lease in details()', () => {
  test('says who runs the execution, and when that process renewed its lease, from any process', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck] })
    const handle = await docket.start(stuck, End, {}, { id: 'x' })
    await world.clock.advance(100)
    const renewedAt = new Date(world.clock.now() - 100)
    const expiresAt = new Date(renewedAt.getTime() + 5_000)
    const own = await handle.details()
    expect(own.lease).toEqual({ owner: own.owner, isHere: true, isAlive: true, renewedAt, expiresAt })
    const retry = `step "Retry" waits for attempt 2, due in 59 min 59 s (${new Date(world.clock.now() + 3_599_900).toISOString()})`
    const running = 'step "Check" has been running for 100 ms, and 1 more'
    expect(own.situation).toBe(`it runs in this process, which renewed its lease 100 ms ago; ${running}; ${retry}`)
    const elsewhere = world.process({ graphs: [stuck] })
    const { lease, situation } = await (await elsewhere.get('x'))!.details()
    expect(lease).toEqual({ ...own.lease, isHere: false })
    expect(situation).toBe(`it runs in process "${own.owner}", which renewed its lease 100 ms ago; ${retry}`)
    for (const one of [docket, elsewhere]) await one.close({ deadline: 0 })
  })

  test('says since when its process is dead, and which docket goes on with the execution', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const { docket, die } = world.mortal({ graphs: [stuck] })
    await docket.start(stuck, End, {}, { id: 'x' })
    const { owner } = await (await docket.get('x'))!.details()
    die()
    const idle = world.process({ graphs: [stuck], takeOver: false })
    const other = world.process({ graphs: [stuckGraph('other')] })
    await world.clock.advance(7_000)
    const { lease, situation, status } = await (await idle.get('x'))!.details()
    expect({ lease, status }).toMatchObject({ lease: { owner, isHere: false, isAlive: false }, status: 'running' })
    expect(situation).toMatch(
      /^nobody runs it: the lease of its process "process-1:.*" ran out 2\.0 s ago; this docket takes nothing over \(takeOver: false\); one that does, and that it fits, goes on with it; step "Retry" waits for attempt 2, due in 59 min 53 s/,
    )
    expect((await (await other.get('x'))!.details()).situation).toMatch(
      /; this docket does not know graph "stuck"; one that has it in createDocket\(\{ graphs \}\) goes on with it; step "Retry" waits for attempt 2/,
    )
    for (const one of [idle, other]) await one.close({ deadline: 0 })
  })

  test('is not there where nobody has the execution, and the situation says what becomes of it', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => never<number>() } })
    const docket = world.process({ graphs: [graph] })
    await docket.start(graph, Third, { Seed: 1 }, { id: 'x' })
    await world.clock.advance(10)
    await world.clock.settle(docket.close({ deadline: 0 }))
    const elsewhere = world.process({ graphs: [graph], takeOver: false })
    const { lease, situation, status } = await (await elsewhere.get('x'))!.details()
    expect({ lease, status }).toEqual({ lease: undefined, status: 'running' })
    expect(situation).toMatch(
      /^nobody runs it: the process that ran it has given it up; this docket takes nothing over/,
    )
    await elsewhere.close({ deadline: 0 })
  })

  test('promises nothing of other versions where the records are damaged', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => never<number>() } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, { Seed: 1 }, { id: 'x' })
    await world.clock.advance(10)
    die()
    const [record] = await world.store.get(['x'])
    await world.store.create([{ ...record!, id: 'damaged', inputs: '{', owner: undefined }])
    const other = world.process({ graphs: [graph] })
    for (const ms of [1, 10_000]) {
      await world.clock.advance(ms)
      const { situation, incompatible } = await (await other.get('damaged'))!.details()
      expect(incompatible).toHaveLength(1)
      expect(situation).toContain(
        `this docket can't go on with it (${incompatible[0]}); it is looked at again later, in case that is mended`,
      )
    }
    await other.close({ deadline: 0 })
  })

  test('says that an execution has not begun', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck], takeOver: false })
    await docket.start(stuck, End, {}, { id: 'x' })
    const [record] = await world.store.get(['x'])
    const unowned = { id: 'new', status: 'pending', owner: undefined, startedAt: undefined } as const
    await world.store.create([{ ...record!, ...unowned }])
    const idle = world.process({ graphs: [stuck], takeOver: false })
    const { situation, steps } = await (await idle.get('new'))!.details()
    expect(situation).toMatch(/^nobody runs it: it has not begun yet; this docket takes nothing over/)
    expect(steps.every(({ since, item }) => since === undefined && item === undefined)).toBe(true)
    for (const one of [docket, idle]) await one.close({ deadline: 0 })
  })

  test('says why no version here can go on with the execution', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => never<number>() } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, { Seed: 1 }, { id: 'x' })
    await world.clock.advance(10)
    die()
    const renamed = graph.steps.map((one) => (one.name === 'First' ? step({ ...one, name: 'Other' } as never) : one))
    const newer = world.process({ graphs: [looseGraph({ name: 'line', steps: renamed }) as never] })
    await world.clock.advance(10_000)
    const { situation, incompatible } = await (await newer.get('x'))!.details()
    expect(incompatible).not.toEqual([])
    expect(situation).toContain(`this docket can't go on with it (${incompatible.join('; ')}); another version may`)
    const why = incompatible.join('; ')
    // Neither calls it running, or says that it goes on as others do.
    await expect(newer.retry('x')).rejects.toMatchObject({
      code: 'EXECUTION_CONFLICT',
      message: expect.stringContaining(`is running, and can't go on in this process: ${why}. It goes on by itself`),
    })
    const waiting = (await newer.get('x'))!.result()
    const refused = expect(waiting).rejects.toMatchObject({
      code: 'DOCKET_CLOSED',
      message: expect.stringContaining(`it can't go on in this process (${why})`),
    })
    await newer.close({ deadline: 0 })
    await refused
  })

  test('names the step that runs, and for how long it has', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => never<number>() } })
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, Third, { Seed: 1 }, { id: 'x' })
    await world.clock.advance(2_000)
    const own = await handle.details()
    expect(own.situation).toMatch(/renewed its lease .* ago; step "Second" has been running for 2\.0 s$/)
    await docket.close({ deadline: 0 })
  })
})

function backoffs(names: readonly string[], ms: number) {
  return looseGraph({
    name: 'backoffs',
    steps: [
      ...names.map((name, index) =>
        step({
          name,
          output: number(name),
          persist: 'global',
          retry: { maxAttempts: 2, backoff: (index + 1) * ms },
          run: () => Promise.reject(new Error('later')),
        }),
      ),
      step({
        name: 'End',
        inputs: Object.fromEntries(names.map((name) => [name, number(name)])),
        output: End,
        run: () => 1,
      }),
    ],
  }) as never
}

describe('the situation of an execution whose steps wait for their next attempts', () => {
  test('names the one that is due first, and how many more there are', async () => {
    const world = new World()
    const graph = backoffs(['R1', 'R2', 'R3'], 60_000)
    const docket = world.process({ graphs: [graph] })
    const handle = await docket.start(graph, End as never, {} as never, { id: 'x' })
    await world.clock.advance(30_000)
    expect((await handle.details()).situation).toMatch(
      /; step "R1" waits for attempt 2, due in 30\.0 s \(.*Z\), and 2 more wait for their next attempt$/,
    )
    await world.clock.advance(31_000)
    expect((await handle.details()).situation).toMatch(/^it has failed/)
    await docket.close({ deadline: 0 })
  })

  test('still names it in the process that has taken the execution over', async () => {
    const world = new World()
    const graph = backoffs(['R1'], 2 * 86_400_000)
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, End as never, {} as never, { id: 'x' })
    await world.clock.advance(10)
    die()
    const other = world.process({ graphs: [graph] })
    await world.clock.advance(10_000)
    const { lease, situation, steps } = await (await other.get('x'))!.details()
    expect(lease).toMatchObject({ isHere: true })
    expect(situation).toMatch(/; step "R1" waits for attempt 2, due in 1 d 23 h /)
    expect(steps[0]!.waitsFor).toMatchObject({ kind: 'retry' })
    await other.close({ deadline: 0 })
  })
})
