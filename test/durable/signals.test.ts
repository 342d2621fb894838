import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { z } from 'zod'
import { dataType, execute, fromGraph, graph, race, signal, step, timer } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Order = dataType('Order', z.object({ id: z.string() }))
const Approval = dataType('Approval', z.object({ by: z.string() }))
const Expiry = dataType('Expiry', z.object({ dueAt: z.date() }))
const Decision = dataType('Decision', z.string())
const Shipment = dataType('Shipment', z.string())
const inputs = { Order: { id: 'o' } }

const ship = step({
  name: 'Ship',
  inputs: { order: Order, approval: Approval },
  output: Shipment,
  run: ({ order, approval }) => `${order.id} for ${approval.by}`,
})
const approvals = graph({ name: 'approvals', steps: [signal(Approval), ship] })

const decide = race({
  name: 'Decide',
  inputs: { approval: Approval, expiry: Expiry },
  output: Decision,
  run: (first) => (first.port === 'approval' ? `approved by ${first.value.by}` : 'expired'),
})
const file = step({
  name: 'File',
  inputs: { order: Order, decision: Decision },
  output: Shipment,
  run: ({ order, decision }) => `${order.id}: ${decision}`,
})
const expiring = graph({
  name: 'expiring',
  steps: [signal(Approval), timer({ name: 'Expire', output: Expiry, after: '1h' }), decide, file],
})

async function started(world: World, declared: typeof approvals | typeof expiring = approvals, id = 'a') {
  const docket = world.process({ graphs: [declared], lease: '2s' })
  const handle = await world.clock.settle(docket.start(declared as typeof approvals, Shipment, inputs, { id }))
  await world.clock.advance(100)
  return { docket, handle }
}

const never = (): Promise<string> => new Promise(() => {})

describe('a signal in a docket', () => {
  test('is waited for, and goes to its step once it is stored', async () => {
    const world = new World()
    const { handle } = await started(world)
    await world.clock.advance(60_000)
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('o for Ada')
  })

  test('may come from another process, which knows neither the graph nor what runs', async () => {
    const world = new World()
    const { handle } = await started(world)
    const other = world.process({ graphs: [], takeOver: false })
    const found = await world.clock.settle(other.get('a'))
    expect(await world.clock.settle(found!.signal(Approval, { by: 'Bo' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('o for Bo')
  })

  test('counts once: others are duplicates, and after the end it has ended; the same id gets the same answer', async () => {
    const world = new World()
    const { handle } = await started(world)
    const [first, second] = [
      handle.signal(Approval, { by: 'Ada' }, { id: 'one' }),
      handle.signal(Approval, { by: 'Bo' }),
    ]
    expect(await world.clock.settle(Promise.all([first, second]))).toEqual(['accepted', 'duplicate'])
    expect(await world.clock.settle(handle.result())).toBe('o for Ada')
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }, { id: 'one' }))).toBe('accepted')
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Cy' }))).toBe('ended')
    expect(await world.store.readMail({ owner: '', limit: 9 })).toEqual([])
  })

  test('may come before its step is launched, and is kept over the death of the process', async () => {
    const world = new World()
    const Checked = dataType('Checked', z.string())
    let check = never
    const early = graph({
      name: 'early',
      steps: [
        step({ name: 'Check', inputs: { order: Order }, output: Checked, run: () => check() }),
        signal(Approval, { inputs: { checked: Checked } }),
        ship,
      ],
    })
    const { docket, die } = world.mortal({ graphs: [early], lease: '2s' })
    const handle = await world.clock.settle(docket.start(early, Shipment, inputs, { id: 'a' }))
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    await world.clock.advance(1_000)
    die()
    check = () => Promise.resolve('fine')
    const other = world.process({ graphs: [early] })
    await world.clock.advance(10_000)
    expect(await world.clock.settle((await other.get('a'))!.result())).toBe('o for Ada')
  })

  test('is consumed in the commit that has the value of its step', async () => {
    const world = new World()
    const commits: ExecutionCommit[] = []
    const store = alteredStore(world.store, (method, ask, given) => {
      if (method === 'commit') commits.push(...(given[0] as readonly ExecutionCommit[]))
      return ask()
    })
    const docket = world.process({ graphs: [approvals], store })
    const handle = await world.clock.settle(docket.start(approvals, Shipment, inputs, { id: 'a' }))
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.settle(handle.result())
    const consuming = commits.filter(({ consumed = [] }) => consumed.length > 0)
    expect(consuming).toMatchObject([{ steps: [{ step: 'Approval', status: 'completed' }] }])
  })

  test('that loses its race against a timer is late', async () => {
    const world = new World()
    const { handle } = await started(world, expiring)
    await world.clock.advance(3_600_000)
    expect(await world.clock.settle(handle.result())).toBe('o: expired')
    const slow = graph({
      name: 'slow',
      steps: [
        signal(Approval),
        timer({ name: 'Expire', output: Expiry, after: '1h' }),
        decide,
        step({
          name: 'File',
          inputs: { decision: Decision },
          output: Shipment,
          run: () => new Promise<string>(() => {}),
        }),
      ],
    })
    const docket = world.process({ graphs: [slow] })
    const open = await world.clock.settle(docket.start(slow, Shipment, {}, { id: 'b' }))
    await world.clock.advance(3_601_000)
    expect(await world.clock.settle(open.signal(Approval, { by: 'Ada' }))).toBe('late')
  })

  test('that wins stays the winner when its process dies and the timer comes due meanwhile', async () => {
    const world = new World()
    const { docket, die } = world.mortal({ graphs: [expiring], lease: '2s' })
    const handle = await world.clock.settle(docket.start(expiring, Shipment, inputs, { id: 'a' }))
    await world.clock.advance(3_599_000)
    die()
    const other = world.process({ graphs: [], takeOver: false })
    const found = await world.clock.settle(other.get('a'))
    expect(handle.id).toBe(found!.id)
    expect(await world.clock.settle(found!.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    await world.clock.advance(5_000)
    const next = world.process({ graphs: [expiring] })
    await world.clock.advance(10_000)
    expect(await world.clock.settle((await next.get('a'))!.result())).toBe('o: approved by Ada')
  })

  test('whose wait has timed out is late, and may come again once the execution is retried', async () => {
    const world = new World()
    const patient = graph({ name: 'patient', steps: [signal(Approval, { timeout: '1h' }), ship] })
    const docket = world.process({ graphs: [patient] })
    const handle = await world.clock.settle(docket.start(patient, Shipment, inputs, { id: 'a' }))
    await world.clock.advance(3_601_000)
    await expect(world.clock.settle(handle.result())).rejects.toMatchObject({
      cause: { code: 'STEP_TIMEOUT' },
    })
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('ended')
    const retried = await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(retried.signal(Approval as never, { by: 'Bo' } as never))).toBe('accepted')
    expect(await world.clock.settle(retried.result())).toBe('o for Bo')
  })

  test('with a fallback is late once that has taken its place', async () => {
    const world = new World()
    const lenient = graph({
      name: 'lenient',
      steps: [
        signal(Approval, { timeout: '1h', fallback: { by: 'nobody' } }),
        step({
          name: 'Ship',
          inputs: { approval: Approval },
          output: Shipment,
          run: () => new Promise<string>(() => {}),
        }),
      ],
    })
    const docket = world.process({ graphs: [lenient] })
    const handle = await world.clock.settle(docket.start(lenient, Shipment, {}, { id: 'a' }))
    await world.clock.advance(3_601_000)
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('late')
  })

  test('that does not fit is refused at the sender, and one that the reader can’t use is set aside and blocks no other', async () => {
    const world = new World()
    const { handle } = await started(world)
    await expect(world.clock.settle(handle.signal(Approval, { by: 7 } as never))).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('Approval.by') as string,
    })
    const Loose = dataType('Approval', z.object({}).loose())
    const other = world.process({ graphs: [], takeOver: false })
    const found = await world.clock.settle(other.get('a'))
    expect(await world.clock.settle(found!.signal(Loose, { by: 7 }))).toBe('accepted')
    await world.clock.advance(2_000)
    expect(world.events.filter(({ type }) => type === 'signal.set-aside')).toMatchObject([
      { signal: 'Approval', error: { code: 'INPUT_INVALID' } },
    ])
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    expect(await world.clock.settle(handle.result())).toBe('o for Ada')
  })

  test('for a type that nobody waits for, or for an execution that is not there, is an error', async () => {
    const world = new World()
    const { docket, handle } = await started(world)
    await expect(world.clock.settle(handle.signal(Order as never, { id: 'x' } as never))).rejects.toMatchObject({
      code: 'OPTION_INVALID',
      message: 'no step of graph "approvals" (execution "a") waits for a signal "Order"; it waits for: Approval',
    })
    await expect(world.clock.settle(handle.signal('Approval' as never, {} as never))).rejects.toMatchObject({
      code: 'OPTION_INVALID',
    })
    await expect(
      world.clock.settle(handle.signal(Approval, { by: 'A' }, { name: 'x' } as never)),
    ).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    const open = await world.clock.settle(docket.start(approvals, Shipment, inputs, { id: 'b' }))
    await world.clock.settle(docket.delete('b'))
    await expect(world.clock.settle(open.signal(Approval, { by: 'A' }))).rejects.toMatchObject({
      code: 'EXECUTION_CONFLICT',
    })
  })

  test('survives a retry when it came before the execution failed', async () => {
    const world = new World()
    let fails = true
    const Checked = dataType('Checked', z.string())
    const failing = graph({
      name: 'failing',
      steps: [
        step({
          name: 'Check',
          inputs: { order: Order },
          output: Checked,
          run: async () => {
            await new Promise<void>((resolve) => void world.clock.setTimeout(resolve, 5_000))
            if (fails) throw new Error('not now')
            return 'fine'
          },
        }),
        signal(Approval, { inputs: { checked: Checked } }),
        ship,
      ],
    })
    const docket = world.process({ graphs: [failing] })
    const handle = await world.clock.settle(docket.start(failing, Shipment, inputs, { id: 'a' }))
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))).toBe('accepted')
    await expect(world.clock.settle(handle.result())).rejects.toMatchObject({ cause: { message: 'not now' } })
    fails = false
    const retried = await world.clock.settle(docket.retry('a'))
    expect(await world.clock.settle(retried.signal(Approval as never, { by: 'Bo' } as never))).toBe('duplicate')
    expect(await world.clock.settle(retried.result())).toBe('o for Ada')
  })

  test('is copied by a fork behind its step, and waited for anew by one before it', async () => {
    const world = new World()
    const { docket, handle } = await started(world)
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.settle(handle.result())
    const behind = await world.clock.settle(docket.fork('a', { from: 'Ship', id: 'behind' }))
    expect(await world.clock.settle(behind.result())).toBe('o for Ada')
    const before = await world.clock.settle(docket.fork('a', { from: 'Approval', id: 'before' }))
    expect(await world.clock.settle(before.signal(Approval as never, { by: 'Bo' } as never))).toBe('accepted')
    expect(await world.clock.settle(before.result())).toBe('o for Bo')
  })
})

describe('an execution that is detached', () => {
  test.each(['here', 'nowhere'])('takes the signals along that were not read, where it runs %s', async (place) => {
    const world = new World()
    const Checked = dataType('Checked', z.string())
    const early = (check: () => Promise<string>) =>
      graph({
        name: 'early',
        steps: [
          step({ name: 'Check', inputs: { order: Order }, output: Checked, run: check }),
          signal(Approval, { inputs: { checked: Checked } }),
          ship,
        ],
      })
    const stuck = early(never)
    const docket = world.process({ graphs: [stuck] })
    const handle = await world.clock.settle(docket.start(stuck, Shipment, inputs, { id: 'a' }))
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.advance(1_000)
    if (place === 'nowhere') await world.clock.settle(docket.close({ deadline: 0 }))
    const other = place === 'here' ? docket : world.process({ graphs: [stuck], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    const snapshot = await world.clock.settle(found.detach())
    const logic = fromGraph(
      early(() => Promise.resolve('fine')),
      Shipment,
    )
    const actor = createActor(logic, { snapshot: snapshot as never, input: inputs }).start()
    expect(await toPromise(actor)).toBe('o for Ada')
  })
})

describe('the value of a type', () => {
  test('is what is on record: given, made, received, from any process, while it waits, is parked and has ended', async () => {
    const world = new World()
    const { handle } = await started(world)
    const other = world.process({ graphs: [], takeOver: false })
    const found = (await world.clock.settle(other.get('a')))!
    const seen = async () =>
      Promise.all(
        [handle, found].flatMap((one) => [Order, Approval, Shipment].map((type) => world.clock.settle(one.get(type)))),
      )
    const before = [{ id: 'o' }, undefined, undefined]
    expect(await seen()).toEqual([...before, ...before])
    await world.clock.advance(60_000)
    expect(await seen()).toEqual([...before, ...before])
    await world.clock.settle(handle.signal(Approval, { by: 'Ada' }))
    await world.clock.settle(handle.result())
    const after = [{ id: 'o' }, { by: 'Ada' }, 'o for Ada']
    expect(await seen()).toEqual([...after, ...after])
    await expect(world.clock.settle(handle.get('Order' as never))).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  })
})

describe('signals that come with the start', () => {
  test('are there before anything begins, take their places, and survive the death of the process', async () => {
    const world = new World()
    const { docket, die } = world.mortal({ graphs: [expiring], lease: '2s' })
    const signals = { Approval: { by: 'Ada' } }
    void docket.start(expiring, Shipment, inputs, { id: 'a', signals })
    await world.clock.advance(0)
    die()
    const other = world.process({ graphs: [expiring] })
    await world.clock.advance(4_000_000)
    const handle = await world.clock.settle(other.start(expiring, Shipment, inputs, { id: 'a', signals }))
    expect(await world.clock.settle(handle.result())).toBe('o: approved by Ada')
  })

  test('make one execution with those of two callers', async () => {
    const world = new World()
    const docket = world.process({ graphs: [approvals] })
    const first = await world.clock.settle(docket.start(approvals, Shipment, inputs, { id: 'a' }))
    await world.clock.settle(
      docket.start(approvals, Shipment, inputs, { id: 'a', signals: { Approval: { by: 'Ada' } } }),
    )
    expect(await world.clock.settle(first.result())).toBe('o for Ada')
  })

  test('make others duplicates', async () => {
    const world = new World()
    const Checked = dataType('Checked', z.string())
    const early = graph({
      name: 'early',
      steps: [
        step({ name: 'Check', inputs: { order: Order }, output: Checked, run: never }),
        signal(Approval, { inputs: { checked: Checked } }),
        ship,
      ],
    })
    const docket = world.process({ graphs: [early] })
    const signals = { Approval: { by: 'Ada' } }
    const handle = await world.clock.settle(docket.start(early, Shipment, inputs, { id: 'a', signals }))
    expect(await world.clock.settle(handle.signal(Approval, { by: 'Bo' }))).toBe('duplicate')
  })

  test('are checked before anything is written', async () => {
    const world = new World()
    const docket = world.process({ graphs: [approvals] })
    for (const signals of [{ Approval: { by: 7 } }, { Approvals: { by: 'A' } }, 'Approval'])
      await expect(
        world.clock.settle(docket.start(approvals, Shipment, inputs, { id: 'a', signals: signals as never })),
      ).rejects.toMatchObject({ code: expect.stringMatching(/INPUT_INVALID|OPTION_INVALID/) as string })
    expect(await world.clock.settle(docket.get('a'))).toBeUndefined()
  })

  test('let execute run a graph that needs them', async () => {
    expect(await execute(approvals, Shipment, inputs, { signals: { Approval: { by: 'Ada' } } })).toBe('o for Ada')
    await expect(execute(approvals, Shipment, inputs)).rejects.toMatchObject({ code: 'OPTION_INVALID' })
    await expect(
      execute(approvals, Shipment, inputs, { signals: { Approval: { by: 7 } } as never }),
    ).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(execute(approvals, Shipment, inputs, { signals: { Other: 1 } as never })).rejects.toMatchObject({
      code: 'INPUT_INVALID',
      message: expect.stringContaining('no step that "Shipment" needs waits for it; it takes: Approval') as string,
    })
  })
})
