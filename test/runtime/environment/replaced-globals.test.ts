import { afterEach, describe, expect, test } from 'vitest'
import { createDocket, dataType, durableStep, signal, step, timer, type } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { sqliteStore } from '../../../stores/sqlite/index.ts'
import { createTestDocket } from '../../../src/testing/index.ts'
import { expectNoUnhandledErrors, graphOf, number, run, runBatch } from '../../loose-api.ts'

expectNoUnhandledErrors()

const Out = number('Out')
const OwnPromise = Promise

/** A promise that is none of the language's, with the methods of ten years ago: as zone.js, bluebird and others put in its place. */
class OtherPromise<Value> implements PromiseLike<Value> {
  readonly #own: Promise<Value>

  constructor(begin: ConstructorParameters<typeof Promise<Value>>[0]) {
    this.#own = new OwnPromise(begin)
  }

  // oxlint-disable-next-line unicorn/no-thenable
  then(...handlers: Parameters<Promise<Value>['then']>): never {
    return other(this.#own.then(...handlers)) as never
  }

  catch(...handlers: Parameters<Promise<Value>['catch']>): never {
    return other(this.#own.catch(...handlers)) as never
  }

  finally(...handlers: Parameters<Promise<Value>['finally']>): never {
    return other(this.#own.finally(...handlers)) as never
  }

  static resolve = (value: unknown) => other(OwnPromise.resolve(value))
  static reject = (reason: Error) => other(OwnPromise.reject(reason))
  static all = (values: Iterable<unknown>) => other(OwnPromise.all(values))
  static allSettled = (values: Iterable<unknown>) => other(OwnPromise.allSettled(values))
  static race = (values: Iterable<unknown>) => other(OwnPromise.race(values))
}

function other<Value>(own: Promise<Value>): OtherPromise<Value> {
  return new OtherPromise((resolve, reject) => own.then(resolve, reject))
}

const late = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: (value: unknown) => new Promise((resolve) => setTimeout(() => resolve({ value }), 1)),
  },
} as never
const Checked = dataType('Checked', late)
const Kept = dataType('Kept', late)
const Shared = dataType('Shared', late)
const Told = dataType('Told', late)
const Due = dataType('Due', type<unknown>())

/** What waits, is checked, and is kept, in all ways. */
const everything = () =>
  graphOf([
    step({
      name: 'keep',
      inputs: { checked: Checked },
      output: Kept,
      persist: 'execution',
      retry: { maxAttempts: 2 },
      run: ({ checked }: { checked: number }, { attempt }: { attempt: number }) => {
        if (attempt === 1) throw new Error('the first time')
        return checked + 1
      },
    } as never),
    step({ name: 'share', inputs: { kept: Kept }, output: Shared, persist: 'global', run: ({ kept }) => kept }),
    timer({ name: 'wait', inputs: { shared: Shared }, output: Due, after: 1 }),
    signal(Told),
    durableStep({
      name: 'run',
      inputs: { shared: Shared, due: Due, told: Told },
      output: Out,
      run: async ({ shared, told }, ctx) => {
        const sum = await ctx.step('add', () => Number(shared) + Number(told))
        await ctx.sleep(1)
        return sum
      },
    }),
  ])

async function runEverywhere(): Promise<unknown> {
  const sums: unknown[] = []
  for (const store of [memoryStore(), sqliteStore(':memory:')]) {
    const graph = everything()
    const docket = createDocket({ graphs: [graph], store })
    const execution = await docket.start(graph as never, Out as never, { Checked: 1 } as never)
    await execution.signal(Told as never, 10 as never)
    sums.push(await execution.result())
    await docket.close()
  }
  return sums
}

describe.each<[string, () => unknown]>([
  ['a class that is none of the language’s', () => OtherPromise],
  ['a subclass', () => class Zoned<Value> extends OwnPromise<Value> {}],
])('in the place of Promise, %s', (_, other) => {
  afterEach(() => {
    globalThis.Promise = OwnPromise
  })

  test('changes nothing of what is checked, kept and waited for', async () => {
    globalThis.Promise = other() as PromiseConstructor
    expect(await runEverywhere()).toEqual([12, 12])
  })

  test('changes nothing without a store', async () => {
    globalThis.Promise = other() as PromiseConstructor
    const graph = everything()
    expect(await run(graph, Shared, { Checked: 1 })).toBe(2)
    expect(await runBatch(graph, Shared, [{ Checked: 1 }, { Checked: 2 }])).toEqual([2, 3])
  })
})

describe('without setImmediate, as in a set-up of tests that plays a browser', () => {
  const { setImmediate } = globalThis
  afterEach(() => {
    globalThis.setImmediate = setImmediate
  })

  test('dockets run', async () => {
    Reflect.deleteProperty(globalThis, 'setImmediate')
    expect(await runEverywhere()).toEqual([12, 12])
  })

  test('test dockets do', async () => {
    Reflect.deleteProperty(globalThis, 'setImmediate')
    const graph = graphOf([timer({ name: 'wait', output: Due, after: '3d' })])
    await using docket = createTestDocket({ graphs: [graph as never] })
    expect(await docket.execute(graph as never, Due as never, {} as never)).toHaveProperty('dueAt')
  })
})
