import { describe, expect, test } from 'vitest'
import { step } from '../../../src/index.ts'
import { expectNoUnhandledErrors, graphOf, number, rejectionOf, run, runBatch, stepErrorOf } from '../../loose-api.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Target = number('Target')

interface Call {
  readonly leaf: number
  readonly resolve: (value: number) => void
  readonly reject: (error: unknown) => void
}

/** A step with a limit, whose attempts end when the test says so. */
function limited(concurrency: unknown, more: object = {}) {
  const calls: Call[] = []
  const ended = new Set<Call>()
  const s = step({
    name: 's',
    inputs: { leaf: Leaf },
    output: Target,
    concurrency: concurrency as number,
    run: ({ leaf }) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const call: Call = {
        leaf,
        resolve: (value) => (ended.add(call), resolve(value)),
        reject: (error) => (ended.add(call), reject(error)),
      }
      calls.push(call)
      return promise
    },
    ...more,
  })
  const graph = graphOf([s])
  return {
    s,
    graph,
    calls,
    started: () => calls.map((call) => call.leaf),
    running: () => calls.filter((call) => !ended.has(call)).length,
    go: (leaf: number, options: object = {}) => run(graph, Target, { Leaf: leaf }, options),
  }
}

describe('a limit', () => {
  test('holds over all executions, those of other graphs and of batches included', async () => {
    const { s, graph, calls, running, go } = limited(2)
    const other = graphOf([s])
    const values = Promise.all([
      go(1),
      run(other, Target, { Leaf: 2 }),
      runBatch(graph, Target, [{ Leaf: 3 }, { Leaf: 4 }]),
      go(5),
    ])
    let most = 0
    for (let call = 0; call < 5; call++) {
      // More than one turn where the batch has just given others theirs.
      do await flush()
      while (calls[call] === undefined)
      most = Math.max(most, running())
      calls[call]!.resolve(calls[call]!.leaf)
    }
    expect(await values).toEqual([1, 2, [3, 4], 5])
    expect(most).toBe(2)
  })

  test('is of each step alone', async () => {
    const [one, two] = [limited(1), limited(1)]
    const values = Promise.all([one.go(1), two.go(2)])
    await flush()
    expect([one.running(), two.running()]).toEqual([1, 1])
    one.calls[0]!.resolve(1)
    two.calls[0]!.resolve(2)
    await values
  })

  test('lets in those who wait in the order of asking', async () => {
    const { calls, started, go } = limited(1)
    const values = Promise.all([1, 2, 3, 4, 5].map((leaf) => go(leaf)))
    for (let call = 0; call < 5; call++) {
      await flush()
      expect(started()).toEqual([1, 2, 3, 4, 5].slice(0, call + 1))
      calls[call]!.resolve(0)
    }
    await values
  })

  test('lets in nobody past those who wait', async () => {
    const { calls, started, go } = limited(1)
    const one = go(1)
    const two = go(2)
    calls[0]!.resolve(0)
    await one
    const three = go(3)
    await flush()
    expect(started()).toEqual([1, 2])
    calls[1]!.resolve(0)
    await two
    await flush()
    calls[2]!.resolve(0)
    await three
  })

  test('comes from the graph’s defaults for each step by itself', async () => {
    const [one, two] = [limited(undefined), limited(undefined)]
    const graph = graphOf([{ ...one.s, name: 'one' }], { defaults: { concurrency: 1 } })
    const values = Promise.all([run(graph, Target, { Leaf: 1 }), run(graph, Target, { Leaf: 2 }), two.go(3), two.go(4)])
    await flush()
    expect([one.running(), two.running()]).toEqual([1, 2])
    for (const call of two.calls) call.resolve(0)
    one.calls[0]!.resolve(0)
    await flush()
    one.calls[1]!.resolve(0)
    await values
  })

  test('holds for synchronous steps in any number without growing the stack', async () => {
    let runs = 0
    const s = step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      concurrency: 1,
      run: ({ leaf }) => (runs++, leaf),
    })
    const graph = graphOf([s])
    const items = Array.from({ length: 20_000 }, (_, Leaf) => ({ Leaf }))
    expect(await runBatch(graph, Target, items, { concurrency: Infinity })).toHaveLength(20_000)
    expect(runs).toBe(20_000)
  })
})

describe('a limit by key', () => {
  test('is of each key alone', async () => {
    const { calls, started, go } = limited({
      limit: 1,
      key: ({ leaf }: { leaf: number }) => (leaf % 2 === 0 ? 'even' : 'odd'),
    })
    const values = Promise.all([1, 2, 3, 4].map((leaf) => go(leaf)))
    await flush()
    expect(started()).toEqual([1, 2])
    calls[1]!.resolve(0)
    await flush()
    expect(started()).toEqual([1, 2, 4])
    calls[0]!.resolve(0)
    await flush()
    expect(started()).toEqual([1, 2, 4, 3])
    calls[2]!.resolve(0)
    calls[3]!.resolve(0)
    await values
  })

  test('that was used up and is needed again still holds', async () => {
    const { calls, running, go } = limited({ limit: 1, key: () => 'k' })
    for (let round = 0; round < 3; round++) {
      const values = Promise.all([go(1), go(2)])
      await flush()
      expect(running()).toBe(1)
      calls[2 * round]!.resolve(0)
      await flush()
      expect(running()).toBe(1)
      calls[2 * round + 1]!.resolve(0)
      await values
    }
  })
})

describe('a slot is given back', () => {
  const boom = new Error('boom')

  test('when the attempt fails', async () => {
    const { calls, go } = limited(1)
    const failing = stepErrorOf(go(1))
    const two = go(2)
    calls[0]!.reject(boom)
    expect((await failing).cause).toBe(boom)
    await flush()
    calls[1]!.resolve(2)
    expect(await two).toBe(2)
  })

  test('when the attempt times out', async () => {
    const clock = new VirtualClock()
    const { calls, go } = limited(1, { timeout: 10 })
    const failing = stepErrorOf(go(1, { clock }))
    const two = go(2, { clock })
    await clock.advance(10)
    await failing
    calls[1]!.resolve(2)
    expect(await two).toBe(2)
  })

  test('when the execution is cancelled', async () => {
    const { calls, go } = limited(1)
    const controller = new AbortController()
    const failing = rejectionOf(go(1, { signal: controller.signal }))
    const two = go(2)
    controller.abort()
    await failing
    await flush()
    calls[1]!.resolve(2)
    expect(await two).toBe(2)
  })

  test('when the step throws at once', async () => {
    let runs = 0
    const s = step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      concurrency: 1,
      run: () => {
        runs++
        throw boom
      },
    })
    const graph = graphOf([s])
    for (let call = 1; call <= 3; call++) {
      await stepErrorOf(run(graph, Target, { Leaf: call }))
      expect(runs).toBe(call)
    }
  })

  test('while the step backs off', async () => {
    const clock = new VirtualClock()
    const { calls, started, go } = limited(1, { retry: { maxAttempts: 2, backoff: 100 } })
    const one = go(1, { clock })
    const two = go(2, { clock })
    calls[0]!.reject(boom)
    await flush()
    expect(started()).toEqual([1, 2])
    // The retry comes due while the slot is taken: it waits like anybody.
    await clock.advance(100)
    expect(started()).toEqual([1, 2])
    calls[1]!.resolve(2)
    expect(await two).toBe(2)
    await flush()
    expect(started()).toEqual([1, 2, 1])
    calls[2]!.resolve(1)
    expect(await one).toBe(1)
  })

  test('when a result can’t be kept', async () => {
    const { calls, go } = limited(1, { persist: 'global' })
    const failing = stepErrorOf(go(1))
    const two = go(2)
    calls[0]!.resolve((() => 1) as never)
    expect((await failing).cause).toMatchObject({ code: 'SERIALIZATION_FAILED' })
    await flush()
    calls[1]!.resolve(2)
    expect(await two).toBe(2)
  })

  test('and who gave up waiting does not take it', async () => {
    const { calls, started, go } = limited(1)
    const controller = new AbortController()
    const one = go(1)
    const gone = rejectionOf(go(2, { signal: controller.signal }))
    const three = go(3)
    controller.abort()
    await gone
    calls[0]!.resolve(1)
    await one
    await flush()
    expect(started()).toEqual([1, 3])
    calls[1]!.resolve(3)
    expect(await three).toBe(3)
  })

  test('and is not lost with who gives up in the very turn in which it is given', async () => {
    const { calls, go } = limited(1)
    const controller = new AbortController()
    const one = go(1)
    const gone = rejectionOf(go(2, { signal: controller.signal }))
    const three = go(3)
    calls[0]!.resolve(1)
    void one.then(() => controller.abort())
    await Promise.all([one, gone])
    await flush()
    expect(calls.at(-1)!.leaf).toBe(3)
    calls.at(-1)!.resolve(3)
    expect(await three).toBe(3)
  })
})

describe('a batch’s concurrency', () => {
  test.each([1, 3, 100])('lets %i items run at the same time', async (concurrency) => {
    const { calls, running, graph } = limited(undefined)
    const items = Array.from({ length: 250 }, (_, Leaf) => ({ Leaf }))
    const values = runBatch(graph, Target, items, { concurrency })
    let most = 0
    for (let call = 0; call < items.length; call++) {
      // More than one turn where the batch has just given others theirs.
      do await flush()
      while (calls[call] === undefined)
      most = Math.max(most, running())
      calls[call]!.resolve(calls[call]!.leaf)
    }
    expect(await values).toEqual(items.map(({ Leaf }) => Leaf))
    expect(most).toBe(concurrency)
  })

  test('is 100 by default', async () => {
    const { running, graph } = limited(undefined)
    const controller = new AbortController()
    const batch = rejectionOf(
      runBatch(
        graph,
        Target,
        Array.from({ length: 500 }, (_, Leaf) => ({ Leaf })),
        { signal: controller.signal },
      ),
    )
    await flush()
    expect(running()).toBe(100)
    controller.abort()
    await batch
  })

  test('holds no slot for an item that backs off', async () => {
    const clock = new VirtualClock(0)
    const s = step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      retry: { maxAttempts: 2, backoff: 50 },
      run: ({ leaf }, { attempt }) => (attempt === 1 ? Promise.reject(new Error('again')) : leaf),
    })
    const items = [{ Leaf: 1 }, { Leaf: 2 }, { Leaf: 3 }]
    expect(await clock.settle(runBatch(graphOf([s]), Target, items, { clock, concurrency: 1 }))).toEqual([1, 2, 3])
    expect(clock.now()).toBe(50)
  })

  test('does not limit what waits for an equal computation: no deadlock with one slot', async () => {
    const { calls, graph } = limited(1, { persist: 'global' })
    const batches = Promise.all(
      [1, 2, 3].map(() => runBatch(graph, Target, [{ Leaf: 1 }, { Leaf: 1 }, { Leaf: 2 }], { concurrency: 1 })),
    )
    for (let turn = 0; turn < 5; turn++) {
      await flush()
      for (const call of calls) call.resolve(call.leaf)
    }
    expect(await batches).toEqual([1, 2, 3].map(() => [1, 1, 2]))
    expect(calls).toHaveLength(2)
  })
})
