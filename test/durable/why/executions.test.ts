import { describe, expect, test } from 'vitest'
import { graph, step, subgraph } from '../../../src/index.ts'
import { expectNoUnhandledErrors, looseGraph, never } from '../../loose-api.ts'
import { World } from '../durable-time.ts'
import { First, line, Third } from '../line.ts'
import { asker, jobs, started } from '../placed.ts'
import { End, stuckGraph } from '../stuck-graph.ts'

expectNoUnhandledErrors()

const Seed = 1

describe('why an execution is where it is', () => {
  test('runs: where, since when, and what its steps do', async () => {
    const world = new World()
    const stuck = stuckGraph()
    const docket = world.process({ graphs: [stuck] })
    const handle = await docket.start(stuck, End, {}, { id: 'x' })
    await world.clock.advance(1_000)
    const why = await handle.why()
    expect(why).toMatchObject({ code: 'execution.running', status: 'running', owner: expect.any(String) as string })
    expect(why.because?.map(({ code, step }) => [step, code])).toEqual([
      ['Check', 'step.running'],
      ['Retry', 'step.retrying'],
      ['Pay', 'step.running'],
    ])
    expect(why.text).toMatch(
      /^execution "x" runs in this process, begun 1\.0 s ago: 2 steps \("Check" and "Pay"\): each has been running for 1\.0 s .*; step "Retry" waits/,
    )
    await docket.close({ deadline: 0 })
  })

  test('has ended: when, and with what', async () => {
    const world = new World()
    const { line: good } = line()
    const { line: bad } = line({ name: 'bad', second: { run: () => Promise.reject(new Error('no money')) } })
    const docket = world.process({ graphs: [good, bad] })
    await (await docket.start(good, Third, { Seed }, { id: 'good' })).result()
    await (await docket.start(bad, Third, { Seed }, { id: 'bad' })).result().catch(() => {})
    expect(await docket.why('good')).toMatchObject({ code: 'execution.completed', status: 'completed' })
    const failed = await docket.why('bad')
    expect(failed).toMatchObject({
      code: 'execution.failed',
      because: [{ code: 'step.failed', step: 'Second' }],
      causes: [{ code: 'STEP_FAILED' }, { name: 'Error', message: 'no money' }],
    })
    expect(failed.text).toMatch(/^execution "bad" failed at .*: Error: no money$/)
    await docket.close({ deadline: 0 })
  })

  test('waits for a worker: none serves its queue, or none that does has its graph', async () => {
    const world = new World()
    const { graph: one } = jobs(world)
    const api = asker(world, one)
    await started(world, api.start(one, First, { Seed }, { id: 'x', queue: 'gpu' }))
    expect(await world.clock.settle(api.why('x'))).toMatchObject({
      code: 'execution.noWorker',
      queue: 'gpu',
      text: 'execution "x" waits for a worker: none serves its queue "gpu" (no other process has a docket on this store); createDocket({ work: { "gpu": … } }) does, in your program or by docket worker',
    })
    const other = world.process({ graphs: [line().line], work: { gpu: 1 } })
    await world.clock.advance(10)
    expect(await world.clock.settle(api.why('x'))).toMatchObject({ code: 'execution.graphUnknown' })
    expect(await world.clock.settle(api.why('x', 'Work'))).toMatchObject({
      code: 'step.notRun',
      because: [{ code: 'execution.graphUnknown' }],
    })
    expect(await world.clock.settle(other.why('x', 'Work'))).toMatchObject({ code: 'step.unknown' })
    for (const docket of [api, other]) await world.clock.settle(docket.close({ deadline: 0 }))
  })

  test('waits since its queue is paused, or runs as many as its limit lets, and says which', async () => {
    const world = new World()
    const { graph: one } = jobs(world)
    const docket = world.process({ graphs: [one], work: { gpu: 5 }, queues: { gpu: { concurrency: 1 } } })
    await started(world, docket.start(one, First, { Seed }, { id: 'first', queue: 'gpu' }))
    await started(world, docket.start(one, First, { Seed }, { id: 'second', queue: 'gpu' }))
    await started(world, docket.start(one, First, { Seed }, { id: 'third', queue: 'gpu' }))
    expect(await world.clock.settle(docket.why('third'))).toMatchObject({
      code: 'execution.queueLimit',
      limit: 1,
      heldBy: ['first'],
      ahead: 1,
      ready: 2,
    })
    await world.clock.settle(docket.queue('gpu').pause('the GPU is on fire'))
    const paused = await world.clock.settle(docket.why('third'))
    expect(paused).toMatchObject({ code: 'execution.queuePaused', since: expect.any(Date) as Date })
    expect(paused.text).toContain('(the GPU is on fire)')
    await world.clock.settle(docket.close({ deadline: 0 }))
  })

  test('waits behind others of its queue, or for the rate of it, or is about to be taken', async () => {
    const world = new World()
    const { graph: one } = jobs(world)
    const docket = world.process({ graphs: [one], work: { gpu: 1 } })
    await world.clock.settle(docket.queue('gpu').limits({ rate: { limit: 100, per: '1h', burst: 100 } }))
    for (const id of ['a', 'b', 'c', 'd'])
      await started(world, docket.start(one, First, { Seed }, { id, queue: 'gpu', priority: id === 'd' ? 1 : 0 }))
    await world.clock.advance(100)
    expect(await world.clock.settle(docket.why('c'))).toMatchObject({
      code: 'execution.behindOthers',
      ahead: 2,
      ready: 3,
    })
    await world.clock.settle(docket.queue('gpu').limits({ rate: { limit: 1, per: '1h' } }))
    expect(await world.clock.settle(docket.why('c'))).toMatchObject({ code: 'execution.queueRate', limit: 1, ahead: 2 })
    await world.clock.settle(docket.close({ deadline: 0 }))
  })

  test('does not begin before a time', async () => {
    const world = new World()
    const { graph: one } = jobs(world)
    const docket = world.process({ graphs: [one] })
    const startAt = new Date(world.clock.now() + 3_600_000)
    await started(world, docket.start(one, First, { Seed }, { id: 'x', startAt }))
    expect(await world.clock.settle(docket.why('x'))).toMatchObject({ code: 'execution.startsLater', until: startAt })
    await world.clock.settle(docket.close({ deadline: 0 }))
  })

  test('is past its deadline, and nobody is there to end it', async () => {
    const world = new World()
    const { graph: one } = jobs(world)
    const api = asker(world, one)
    const deadline = new Date(world.clock.now() + 5_000)
    await started(world, api.start(one, First, { Seed }, { id: 'x', deadline }))
    await world.clock.advance(6_000)
    const why = await world.clock.settle(api.why('x'))
    expect(why).toMatchObject({ code: 'execution.overdue', until: deadline })
    await world.clock.settle(api.close({ deadline: 0 }))
  })

  test('is of a process that is silent, then dead: its lease says until when nobody else takes it', async () => {
    const world = new World()
    const { line: slow } = line({ second: { run: () => never<number>() } })
    const { docket, die } = world.mortal({ graphs: [slow] })
    await docket.start(slow, Third, { Seed }, { id: 'x' })
    await world.clock.advance(10)
    const { owner } = (await (await docket.get('x'))!.details()).lease!
    die()
    const watcher = world.process({ graphs: [slow], work: false })
    await world.clock.advance(4_500)
    const silent = await world.clock.settle(watcher.why('x'))
    expect(silent).toMatchObject({ code: 'execution.ownerSilent', owner, until: expect.any(Date) as Date })
    expect(silent.text).toContain("it has died, its event loop is blocked, or it can't reach the store")
    expect(await world.clock.settle(watcher.why('x', 'Second'))).toMatchObject({
      code: 'step.notRun',
      because: [{ code: 'execution.ownerSilent' }],
    })
    await world.clock.advance(3_000)
    expect(await world.clock.settle(watcher.why('x'))).toMatchObject({
      code: 'execution.noWorker',
      deadOwners: [owner],
    })
    await world.clock.settle(watcher.close({ deadline: 0 }))
  })

  test('does not fit the graph that is here, with the reasons, though nobody has tried to take it', async () => {
    const world = new World()
    const { line: slow } = line({ second: { run: () => never<number>() } })
    const docket = world.process({ graphs: [slow] })
    await docket.start(slow, Third, { Seed }, { id: 'x' })
    await world.clock.advance(10)
    await world.clock.settle(docket.close({ deadline: 0 }))
    const renamed = slow.steps.map((one) => (one.name === 'First' ? step({ ...one, name: 'Other' } as never) : one))
    const newer = world.process({
      graphs: [looseGraph({ name: 'line', steps: renamed }) as never],
      takeOver: false,
    })
    const reasons = [
      expect.stringContaining('step "First" has a result, but the graph has no such step any more') as string,
    ]
    // Nobody is there who would take it, and nobody could with this version.
    expect(await world.clock.settle(newer.why('x'))).toMatchObject({ code: 'execution.noWorker', reasons })
    const worker = world.process({ graphs: [looseGraph({ name: 'line', steps: renamed }) as never] })
    await world.clock.advance(1_000)
    const why = await world.clock.settle(newer.why('x'))
    expect(why).toMatchObject({ code: 'execution.incompatible', reasons })
    expect(why.text).toContain('a worker with the version of the graph that it fits may')
    await world.clock.settle(worker.close({ deadline: 0 }))
    await world.clock.settle(newer.close({ deadline: 0 }))
  })

  test('waits for its child, and says why that is where it is', async () => {
    const world = new World()
    const { graph: one } = jobs(world)
    const parent = graph({
      name: 'parent',
      steps: [
        subgraph(one, First, { queue: 'gpu' }),
        step({ name: 'Last', inputs: { value: First }, output: Third, run: ({ value }) => value }),
      ],
    })
    const docket = world.process({ graphs: [parent] })
    await started(world, docket.start(parent, Third, { Seed }, { id: 'x' }))
    await world.clock.advance(5_000)
    const why = await world.clock.settle(docket.why('x'))
    expect(why).toMatchObject({
      code: 'execution.waitsForChild',
      because: [{ code: 'step.waitsForChild', step: 'jobs', because: [{ code: 'execution.noWorker', queue: 'gpu' }] }],
    })
    expect(why.text).toBe(
      'execution "x" runs in this process, begun 5.0 s ago: step "jobs" waits for child "x/jobs", and has for 5.0 s; execution "x/jobs" waits for a worker: none serves its queue "gpu" (the one process that lives does not); createDocket({ work: { "gpu": … } }) does, in your program or by docket worker',
    )
    await world.clock.settle(docket.close({ deadline: 0 }))
  })
})
