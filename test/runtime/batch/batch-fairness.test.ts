import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  all,
  createDocket,
  dataType,
  execute,
  executeBatch,
  graph,
  step,
  streamBatch,
  type,
  untypedGraph,
} from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { expectNoUnhandledErrors } from '../../loose-api.ts'

const Id = dataType('Id', type<number>())
const Made = dataType('Made', type<number>())
const Count = dataType('Count', type<number>())
const Judged = dataType('Judged', type<boolean>())

// Much longer together than what work may hold the event loop for.
const pieces = 40
const pieceMs = 1
const realNow = performance.now.bind(performance)

expectNoUnhandledErrors()

/** Work that holds the event loop, and what it sees of a timer that was due before it began. */
class Work {
  hasFired = false
  /** How often it saw that the timer had fired. */
  seen = 0
  readonly #timer = setTimeout(() => (this.hasFired = true), 0)

  do(): number {
    if (this.hasFired) this.seen++
    for (const end = realNow() + pieceMs; realNow() < end;);
    return 1
  }

  stop(): void {
    clearTimeout(this.#timer)
  }
}

const items = Array.from({ length: pieces }, (_, Id) => ({ Id }))

function making(run: () => number | Promise<number>, more: object = {}) {
  return graph({ name: 'making', steps: [step({ name: 'Make', inputs: { id: Id }, output: Made, run, ...more })] })
}

async function drain(values: AsyncIterable<unknown>): Promise<void> {
  for await (const value of values) void value
}

function* slowly(work: Work) {
  for (const item of items) {
    work.do()
    yield item
  }
}

async function* later() {
  yield* items
}

const kinds: readonly (readonly [string, (work: Work) => Promise<unknown>])[] = [
  [
    'synchronous steps',
    (work) =>
      executeBatch(
        making(() => work.do()),
        Made,
        items,
      ),
  ],
  [
    'steps that are asynchronous and never wait',
    (work) =>
      executeBatch(
        making(async () => work.do()),
        Made,
        items,
      ),
  ],
  [
    'steps, one item at a time',
    (work) =>
      executeBatch(
        making(() => work.do()),
        Made,
        items,
        { concurrency: 1 },
      ),
  ],
  [
    'steps under collect',
    (work) =>
      executeBatch(
        making(() => work.do()),
        Made,
        items,
        { onError: 'collect' },
      ),
  ],
  [
    'steps that wait in line for a slot',
    (work) =>
      executeBatch(
        making(async () => work.do(), { concurrency: 2 }),
        Made,
        items,
      ),
  ],
  [
    'steps behind a barrier',
    (work) => {
      const make = step({ name: 'Make', inputs: { id: Id }, output: Made, run: ({ id }) => id })
      const count = step({ name: 'Count', inputs: { all: all(Made) }, output: Count, run: ({ all }) => all.length })
      const inputs = { made: Made, count: Count }
      const judge = step({ name: 'Judge', inputs, output: Judged, run: () => work.do() === 1 })
      return executeBatch(graph({ name: 'judging', steps: [make, count, judge] }), Judged, items)
    },
  ],
  [
    'schemas that check the items before anything runs',
    (work) => {
      const validate = (value: unknown) => ({ value: value as number, at: work.do() })
      const Checked = dataType('Checked', { '~standard': { version: 1, vendor: 'test', validate } } as const)
      const make = step({ name: 'Make', inputs: { id: Checked }, output: Made, run: () => 1 })
      const given = items.map(({ Id }) => ({ Checked: Id }))
      return executeBatch(graph({ name: 'checking', steps: [make] }), Made, given)
    },
  ],
  [
    'streamed steps',
    (work) =>
      drain(
        streamBatch(
          making(() => work.do()),
          Made,
          items,
        ),
      ),
  ],
  [
    'streamed steps, as they finish',
    (work) =>
      drain(
        streamBatch(
          making(() => work.do()),
          Made,
          items,
          unordered,
        ),
      ),
  ],
  [
    'streamed steps of an async iterable',
    (work) =>
      drain(
        streamBatch(
          making(() => work.do()),
          Made,
          later(),
        ),
      ),
  ],
  [
    'an iterable that is slow itself',
    (work) =>
      drain(
        streamBatch(
          making(() => 1),
          Made,
          slowly(work),
        ),
      ),
  ],
  [
    'steps of a durable batch',
    async (work) => {
      const made = making(() => work.do(), { persist: 'execution' })
      await using docket = createDocket({ graphs: [made], store: memoryStore() })
      await (await docket.startBatch(made, Made, items)).result()
    },
  ],
  [
    'many steps of one execution that need nothing of each other',
    (work) => {
      const types = items.map(({ Id }) => dataType(`T${Id}`, type<number>()))
      const steps = types.map((output) => step({ name: output.name, output, run: () => work.do() }))
      const inputs = Object.fromEntries(types.map((one) => [one.name, one]))
      const end = step({ name: 'End', inputs, output: Made, run: () => 1 })
      return execute(untypedGraph({ name: 'wide', steps: [...steps, end] }), Made, {})
    },
  ],
  [
    'a long chain of steps',
    (work) => {
      const types = items.map(({ Id }) => dataType(`T${Id}`, type<number>()))
      const steps = types.map((output, index) => {
        const inputs = index === 0 ? {} : { before: types[index - 1]! }
        return step({ name: output.name, inputs, output, run: async () => work.do() })
      })
      return execute(untypedGraph({ name: 'chain', steps }), types.at(-1)!, {})
    },
  ],
]
const unordered = { ordered: false }

afterEach(() => {
  vi.useRealTimers()
})

describe('work that never waits', () => {
  test.each(kinds)('lets timers fire in between: %s', async (_, run) => {
    const work = new Work()
    await run(work)
    expect(work.seen).toBeGreaterThan(0)
  })

  test('lets timers fire in between: items whose results are remembered', async () => {
    const cached = making(() => 1, { persist: 'global' })
    const work = new Work()
    // Would never end.
    function* untilFired() {
      while (!work.hasFired) yield { Id: 1 }
    }
    await drain(streamBatch(cached, Made, untilFired()))
    expect(work.hasFired).toBe(true)
  })

  test.each([[undefined], [['setImmediate']], [['setTimeout', 'setImmediate', 'Date']]] as const)(
    'ends without them where a test fakes them (%j) and moves no time',
    async (toFake) => {
      vi.useFakeTimers(toFake === undefined ? {} : { toFake: [...toFake] })
      for (const [, run] of kinds.filter(([name]) => !name.includes('durable'))) {
        const work = new Work()
        await run(work)
        work.stop()
      }
    },
  )

  test('goes on yielding when a test has put the host’s timers back', async () => {
    vi.useFakeTimers({ toFake: ['setImmediate'] })
    const faked = new Work()
    await executeBatch(
      making(() => faked.do()),
      Made,
      items,
    )
    faked.stop()
    vi.useRealTimers()
    const work = new Work()
    await executeBatch(
      making(() => work.do()),
      Made,
      items,
    )
    expect(work.seen).toBeGreaterThan(0)
  })

  test('begins no item any more once a timer has cancelled the batch', async () => {
    const controller = new AbortController()
    let ran = 0
    setTimeout(() => controller.abort(new Error('enough')), 0)
    const work = new Work()
    const batch = executeBatch(
      making(() => {
        ran++
        return work.do()
      }),
      Made,
      items,
      { signal: controller.signal },
    )
    await expect(batch).rejects.toThrow('enough')
    const ranThen = ran
    expect(ranThen).toBeLessThan(pieces)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(ran).toBe(ranThen)
  })
})
