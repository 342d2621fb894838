import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, ExecutionConflictError, SerializationError, step } from '../../../src/index.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  number,
  recorder,
  rejectionOf,
  run,
  runBatch,
  stepErrorOf,
  uniqueName,
} from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Charged = number('Charged')
const Target = number('Target')
const boom = new Error('boom')

/** Time → Charge (remembered for the execution) → Mail, which fails until it is mended. */
function shop(persist: unknown = 'execution') {
  const counted = { now: 0, charge: 0, mail: 0 }
  const state = { isBroken: true }
  const Now = number('Now')
  const graph = graphOf([
    step({ name: 'now', output: Now, run: () => ++counted.now }),
    step({
      name: 'charge',
      inputs: { now: Now, leaf: Leaf },
      output: Charged,
      persist: persist as 'execution',
      run: ({ now }) => (counted.charge++, now * 100),
    }),
    step({
      name: 'mail',
      inputs: { charged: Charged },
      output: Target,
      run: ({ charged }) => (counted.mail++, state.isBroken ? Promise.reject(boom) : charged),
    }),
  ])
  return { counted, state, graph, go: (options: object = {}, leaf = 1) => run(graph, Target, { Leaf: leaf }, options) }
}

describe("persist: 'execution'", () => {
  test('a second call with the same id does not run finished steps again, whatever those above them make now', async () => {
    const { counted, state, go } = shop()
    const id = uniqueName('id')
    expect((await stepErrorOf(go({ id }))).cause).toBe(boom)
    state.isBroken = false
    const { events, observer } = recorder()
    expect(await go({ id, observers: [observer] })).toBe(100)
    expect(counted).toEqual({ now: 2, charge: 1, mail: 2 })
    expect(events.find((event) => event.type === 'cache.hit')).toMatchObject({ step: 'charge', scope: 'execution' })
  })

  test('another id is another execution', async () => {
    const { counted, state, go } = shop()
    state.isBroken = false
    await go({ id: uniqueName('id') })
    await go({ id: uniqueName('id') })
    expect(counted.charge).toBe(2)
  })

  test('without an id nothing is remembered', async () => {
    const { counted, state, go } = shop()
    state.isBroken = false
    await go()
    await go()
    expect(counted.charge).toBe(2)
  })

  test('the same id in another graph is another execution', async () => {
    const [one, two] = [shop(), shop()]
    one.state.isBroken = two.state.isBroken = false
    const id = uniqueName('id')
    await one.go({ id })
    await two.go({ id })
    expect([one.counted.charge, two.counted.charge]).toEqual([1, 1])
  })

  test('the same id with other inputs is a conflict, reported before anything runs', async () => {
    const { counted, go } = shop()
    const id = uniqueName('id')
    await rejectionOf(go({ id }, 1))
    const error = await rejectionOf(go({ id }, 2))
    expect(error).toBeInstanceOf(ExecutionConflictError)
    expect(error).toMatchObject({ code: 'EXECUTION_CONFLICT', executionId: id })
    expect(counted.now).toBe(1)
  })

  test('the same id with another target is a conflict', async () => {
    const { graph, go } = shop()
    const id = uniqueName('id')
    await rejectionOf(go({ id }))
    expect(await rejectionOf(run(graph, Charged, { Leaf: 1 }, { id }))).toBeInstanceOf(ExecutionConflictError)
  })

  test('inputs that can’t be compared are reported by their names, before anything runs', async () => {
    const { counted, go } = shop()
    const error = await rejectionOf(go({ id: uniqueName('id') }, (() => 1) as never))
    expect(error).toBeInstanceOf(SerializationError)
    expect((error as Error).message).toContain('inputs.Leaf')
    expect(counted.now).toBe(0)
  })

  test('a call that was refused for its inputs takes no id', async () => {
    const Checked = dataType('Checked', z.number())
    const graph = graphOf([
      step({
        name: 's',
        inputs: { checked: Checked },
        output: Target,
        persist: 'execution',
        run: ({ checked }) => checked,
      }),
    ])
    const id = uniqueName('id')
    expect(await rejectionOf(run(graph, Target, { Checked: 'one' }, { id }))).toMatchObject({ code: 'INPUT_INVALID' })
    expect(await run(graph, Target, { Checked: 1 }, { id })).toBe(1)
  })

  test('a ttl ends the memory', async () => {
    const clock = new VirtualClock()
    const { counted, state, go } = shop({ scope: 'execution', ttl: 100 })
    state.isBroken = false
    const id = uniqueName('id')
    await go({ id, clock })
    await clock.advance(100)
    await go({ id, clock })
    expect(counted.charge).toBe(2)
  })

  test('two calls with one id at the same time run the step once', async () => {
    let runs = 0
    const open = Promise.withResolvers<number>()
    const graph = graphOf([
      step({ name: 's', output: Target, persist: 'execution', run: () => (runs++, open.promise) }),
    ])
    const id = uniqueName('id')
    const values = Promise.all([run(graph, Target, {}, { id }), run(graph, Target, {}, { id })])
    await flush()
    open.resolve(5)
    expect(await values).toEqual([5, 5])
    expect(runs).toBe(1)
  })

  test('a step that did its work is remembered though a sibling failed while it ran', async () => {
    let charges = 0
    const slow = Promise.withResolvers<number>()
    const B = number('B')
    const graph = graphOf([
      step({ name: 'charge', output: Charged, persist: 'execution', run: () => (charges++, slow.promise) }),
      step({ name: 'fails', inputs: { leaf: Leaf }, output: B, run: () => (charges === 1 ? Promise.reject(boom) : 1) }),
      step({ name: 'both', inputs: { charged: Charged, b: B }, output: Target, run: ({ charged }) => charged }),
    ])
    const id = uniqueName('id')
    expect((await stepErrorOf(run(graph, Target, { Leaf: 1 }, { id }))).cause).toBe(boom)
    slow.resolve(3)
    await flush()
    const failing = run(graph, Target, { Leaf: 1 }, { id })
    await Promise.allSettled([failing])
    expect(charges).toBe(1)
  })

  test('of a batch with an id is remembered for each item', async () => {
    const id = uniqueName('id')
    const ran: number[] = []
    let isBroken = true
    const graph = graphOf([
      step({
        name: 'charge',
        inputs: { leaf: Leaf },
        output: Charged,
        persist: 'execution',
        run: ({ leaf }) => (ran.push(leaf), leaf),
      }),
      step({
        name: 'mail',
        inputs: { charged: Charged },
        output: Target,
        run: ({ charged }) => (isBroken && charged === 2 ? Promise.reject(boom) : charged),
      }),
    ])
    const items = [1, 2, 3].map((Leaf) => ({ Leaf }))
    await rejectionOf(runBatch(graph, Target, items, { id }))
    isBroken = false
    expect(await runBatch(graph, Target, items, { id })).toEqual([1, 2, 3])
    expect(ran.toSorted()).toEqual([1, 2, 3])
  })
})

/** The keys that the attempts of a step see. */
function keysOf(persist: unknown, more: object = {}) {
  const keys: string[] = []
  const graph = graphOf([
    step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      persist: persist as 'global',
      retry: { maxAttempts: 2 },
      run: ({ leaf }, { idempotencyKey, attempt }) => (
        keys.push(idempotencyKey),
        attempt === 1 ? Promise.reject(boom) : leaf
      ),
      ...more,
    }),
  ])
  return { keys, graph }
}

describe('ctx.idempotencyKey', () => {
  test.each([['global'], ['execution'], [undefined]])('is the same in all attempts (persist: %s)', async (persist) => {
    const clock = new VirtualClock()
    const { keys, graph } = keysOf(persist)
    await clock.settle(run(graph, Target, { Leaf: 1 }, { clock, id: uniqueName('id') }))
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBe(keys[1])
    expect(keys[0]!.length).toBeGreaterThanOrEqual(32)
  })

  test('of a global step is equal for equal inputs in any execution, and for no others', async () => {
    const clock = new VirtualClock()
    const { keys, graph } = keysOf(
      { scope: 'global', ttl: 1 },
      {
        retry: {},
        run: ({ leaf }: { leaf: number }, { idempotencyKey }: { idempotencyKey: string }) => (
          keys.push(idempotencyKey),
          leaf
        ),
      },
    )
    for (const leaf of [1, 2, 1]) {
      await run(graph, Target, { Leaf: leaf }, { clock })
      await clock.advance(10)
    }
    expect(keys).toHaveLength(3)
    expect(keys[2]).toBe(keys[0])
    expect(keys[1]).not.toBe(keys[0])
  })

  test('of another step is the same when the execution is called again by its id', async () => {
    const clock = new VirtualClock()
    const { keys, graph } = keysOf(undefined)
    const id = uniqueName('id')
    await clock.settle(run(graph, Target, { Leaf: 1 }, { clock, id }))
    await clock.settle(run(graph, Target, { Leaf: 1 }, { clock, id }))
    expect(new Set(keys).size).toBe(1)
    await clock.settle(run(graph, Target, { Leaf: 1 }, { clock, id: uniqueName('id') }))
    expect(new Set(keys).size).toBe(2)
  })

  test('is framed: no execution id and step name run together, and no two graphs share one', async () => {
    const keys = new Map<string, string>()
    const calls = [
      ['a:b', 'c', 'g'],
      ['a', 'b:c', 'g'],
      ['a","b', 'c', 'g'],
      ['a', 'b","c', 'g'],
      ['a', 'bc', 'g'],
      ['ab', 'c', 'g'],
      ['ab', 'c', 'h'],
    ] as const
    for (const [id, name, graphName] of calls) {
      const graph = graphOf(
        [
          step({
            name,
            output: Target,
            run: (_, { idempotencyKey }) => (keys.set(idempotencyKey, `${id}|${name}|${graphName}`), 1),
          }),
        ],
        { name: graphName },
      )
      await run(graph, Target, {}, { id })
    }
    expect(keys.size).toBe(7)
  })

  test('of the items of a batch are all different', async () => {
    const { keys, graph } = keysOf(undefined, {
      retry: {},
      run: ({ leaf }: { leaf: number }, { idempotencyKey }: { idempotencyKey: string }) => (
        keys.push(idempotencyKey),
        leaf
      ),
    })
    await runBatch(
      graph,
      Target,
      Array.from({ length: 10 }, () => ({ Leaf: 1 })),
    )
    expect(new Set(keys).size).toBe(10)
  })
})
