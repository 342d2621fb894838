import { describe, expect, test } from 'vitest'
import { dataType, execute, executeBatch, graph, OptionError, step, streamBatch, type } from '../../src/index.ts'
import { progressObserver } from '../../src/observers/progress.ts'
import type { ProgressOptions } from '../../src/observers/progress.ts'
import { expectNoUnhandledErrors, rejectionOf, thrownBy } from '../loose-api.ts'
import { range, Source } from '../runtime/batch/counted-items.ts'
import { VirtualTime } from '../runtime/virtual-time.ts'

expectNoUnhandledErrors()

const Id = dataType('Id', type<number>())
const Made = dataType('Made', type<number>())
const clear = '\r\u001b[2K'

/** A terminal that keeps what is written to it, and when. */
class Terminal {
  readonly isTTY: boolean
  readonly columns: number | undefined
  readonly written: { readonly at: number; readonly text: string }[] = []
  readonly clock = new VirtualTime()

  constructor({
    isTTY = true,
    columns = 80,
  }: { readonly isTTY?: boolean; readonly columns?: number | undefined } = {}) {
    this.isTTY = isTTY
    this.columns = columns
  }

  write(text: string): void {
    this.written.push({ at: this.clock.now(), text })
  }

  /** The lines that were drawn, without what clears the one before. */
  get lines(): readonly string[] {
    return this.written.map(({ text }) => text.replace(clear, '')).filter((text) => text !== '')
  }

  /** The observer of one batch; `stream` as it is typed for the user. */
  observer(options: ProgressOptions = {}): ReturnType<typeof progressObserver> {
    const { isTTY, columns } = this
    const write = (text: string): void => this.write(text)
    return progressObserver({ stream: { isTTY, ...(columns !== undefined && { columns }), write }, ...options })
  }
}

/** Steps that take `ms` each; those of negative items fail. */
function making(clock: VirtualTime, ms: number) {
  const make = step({
    name: 'Make',
    inputs: { id: Id },
    output: Made,
    run: async ({ id }) => {
      await clock.sleep(ms)
      if (id < 0) throw new Error(`no ${id}`)
      return id
    },
  })
  return graph({ name: 'making', steps: [make] })
}

const bar = (full: number): string => `[${'='.repeat(full)}${' '.repeat(40 - full)}]`

const itemsOf = (ids: readonly number[]): readonly { readonly Id: number }[] => ids.map((Id) => ({ Id }))

/** Runs a batch of so many items one after the other, 100 ms each, before this terminal. */
async function runBefore(terminal: Terminal, ids: readonly number[], options?: ProgressOptions): Promise<void> {
  const { clock } = terminal
  const observers = [terminal.observer(options)]
  await clock.settle(
    executeBatch(making(clock, 100), Made, itemsOf(ids), { clock, observers, concurrency: 1, onError: 'collect' }),
  )
}

describe('a batch that takes long', () => {
  test('is drawn as a bar that fills, with percent and total', async () => {
    const terminal = new Terminal()
    await runBefore(terminal, range(4), { afterMs: 0 })
    expect(terminal.lines).toEqual([
      `Made ${bar(10)} 25% of 4`,
      `Made ${bar(20)} 50% of 4`,
      `Made ${bar(30)} 75% of 4`,
      `Made ${bar(40)} 100% of 4`,
    ])
  })

  test('is drawn over itself, and its line is cleared at the end', async () => {
    const terminal = new Terminal()
    await runBefore(terminal, range(20))
    const texts = terminal.written.map(({ text }) => text)
    expect(texts.length).toBeGreaterThan(10)
    expect(texts.every((text) => text.startsWith(clear) && !text.includes('\n'))).toBe(true)
    expect(texts.indexOf(clear)).toBe(texts.length - 1)
  })

  test('clears its line when it fails or is cancelled, too', async () => {
    for (const cancels of [false, true]) {
      const terminal = new Terminal()
      const { clock } = terminal
      const controller = new AbortController()
      const observers = [terminal.observer()]
      const options = { clock, observers, concurrency: 1, signal: controller.signal }
      const batch = executeBatch(making(clock, 100), Made, itemsOf([1, 2, 3, 4, 5, -6, 7]), options)
      const rejection = rejectionOf(batch)
      if (cancels) {
        await clock.advance(350)
        controller.abort()
      }
      expect(await clock.settle(rejection)).toMatchObject({ code: cancels ? 'EXECUTION_CANCELLED' : 'STEP_FAILED' })
      expect(terminal.lines.length).toBeGreaterThan(0)
      expect(terminal.written.at(-1)!.text).toBe(clear)
    }
  })

  test('is first drawn after 200 ms by its own clock, or after `afterMs`', async () => {
    for (const [options, after] of [
      [{}, 200],
      [{ afterMs: 700 }, 700],
    ] as const) {
      const terminal = new Terminal()
      const start = terminal.clock.now()
      await runBefore(terminal, range(10), options)
      expect(terminal.written[0]!.at - start).toBe(after)
    }
  })

  test('is drawn again after 50 ms at the earliest, or after `everyMs`', async () => {
    for (const [options, every] of [
      [{}, 50],
      [{ everyMs: 200 }, 200],
    ] as const) {
      const terminal = new Terminal()
      const { clock } = terminal
      const observers = [terminal.observer(options)]
      await clock.settle(
        executeBatch(making(clock, 10), Made, itemsOf(range(100)), { clock, observers, concurrency: 1 }),
      )
      const drawn = terminal.written.slice(0, -1)
      const gaps = drawn.slice(1).map(({ at }, index) => at - drawn[index]!.at)
      expect(new Set(gaps)).toEqual(new Set([every]))
    }
  })

  test('of 100 items shows each percent as the number of items that ended', async () => {
    const terminal = new Terminal()
    await runBefore(terminal, range(100), { afterMs: 0 })
    const percents = terminal.lines.map((line) => Number(/ (\d+)% of 100$/.exec(line)?.[1]))
    expect(percents).toEqual(range(100).map((index) => index + 1))
  })

  test('shows how many items failed, once one did', async () => {
    const terminal = new Terminal()
    await runBefore(terminal, [1, -2, 3, -4], { afterMs: 0 })
    expect(terminal.lines.map((line) => line.slice(line.indexOf(']') + 2))).toEqual([
      '25% of 4',
      '50% of 4, 1 failed',
      '75% of 4, 1 failed',
      '100% of 4, 2 failed',
    ])
  })

  test('stands under its target’s name, or under `label`', async () => {
    for (const [options, label] of [
      [{}, 'Made ['],
      [{ label: 'packages' }, 'packages ['],
    ] as const) {
      const terminal = new Terminal()
      await runBefore(terminal, range(5), options)
      expect(terminal.lines.length).toBeGreaterThan(0)
      expect(terminal.lines.every((line) => line.startsWith(label))).toBe(true)
    }
  })

  test('is drawn apart from another that the same observer sees', async () => {
    const terminal = new Terminal()
    const { clock } = terminal
    const observers = [terminal.observer({ afterMs: 0, everyMs: 0 })]
    const long = executeBatch(making(clock, 100), Made, itemsOf(range(3)), { clock, observers, concurrency: 1 })
    const late = executeBatch(making(clock, 110), Made, itemsOf(range(2)), { clock, observers, concurrency: 1 })
    await clock.settle(Promise.all([long, late]))
    expect(terminal.lines.map((line) => line.slice(line.indexOf(']') + 2))).toEqual([
      '33% of 3',
      '50% of 2',
      '66% of 3',
      '100% of 2',
      '100% of 3',
    ])
  })
})

describe('the line', () => {
  test.each([10, 20, 30, 60, 80, 200])('stays within %i columns, whatever the label', async (columns) => {
    for (const label of ['x', 'a label of some length', 'x'.repeat(300)]) {
      const terminal = new Terminal({ columns })
      await runBefore(terminal, [...range(8), -1, -2], { label })
      expect(terminal.lines.length).toBeGreaterThan(0)
      for (const line of terminal.lines) expect(line.length, line).toBeLessThan(columns)
    }
  })

  test.each([undefined, 0])('takes 80 columns where the terminal says %s', async (columns) => {
    const terminal = new Terminal({ columns })
    await runBefore(terminal, range(5), { label: 'x'.repeat(300) })
    expect(terminal.lines.map((line) => line.length)).toEqual(terminal.lines.map(() => 79))
  })

  test('is one line, whatever is in the label', async () => {
    const terminal = new Terminal()
    await runBefore(terminal, range(5), { label: 'two\nlines\r' })
    expect(terminal.lines.length).toBeGreaterThan(0)
    expect(terminal.lines.every((line) => line.startsWith('two lines '))).toBe(true)
    expect(terminal.lines.join('')).not.toMatch(/[\n\r]/)
  })
})

describe('a stream whose total is not known', () => {
  test('shows how many items ended, and how many of them failed', async () => {
    const terminal = new Terminal()
    const { clock } = terminal
    const observers = [terminal.observer({ afterMs: 0 })]
    const values = streamBatch(making(clock, 100), Made, new Source([1, -2, 3]), {
      clock,
      observers,
      concurrency: 1,
      onError: 'collect',
    })
    const drain = async (): Promise<void> => {
      for await (const _ of values);
    }
    await clock.settle(drain())
    expect(terminal.lines).toEqual(['Made 1', 'Made 2, 1 failed', 'Made 3, 1 failed'])
    expect(terminal.written.at(-1)!.text).toBe(clear)
  })
})

describe('nothing is written', () => {
  test('for a batch that ends before 200 ms', async () => {
    const terminal = new Terminal()
    await runBefore(terminal, [1])
    expect(terminal.written).toEqual([])
  })

  test('where the stream is no terminal', async () => {
    const terminal = new Terminal({ isTTY: false })
    await runBefore(terminal, range(20))
    expect(terminal.written).toEqual([])
  })

  test('for an execution that is no batch', async () => {
    const terminal = new Terminal()
    const { clock } = terminal
    await clock.settle(execute(making(clock, 5_000), Made, { Id: 1 }, { clock, observers: [terminal.observer()] }))
    expect(terminal.written).toEqual([])
  })
})

describe('options', () => {
  test.each<readonly [string, unknown, RegExp]>([
    ['an unknown name', { lable: 'x' }, /unknown option "lable".*did you mean "label"/],
    ['a label that is no text', { label: 5 }, /label must be a string, not 5/],
    ['a stream without write', { stream: {} }, /stream must have write/],
    ['a stream that is null', { stream: null }, /stream must have write/],
    ['a negative afterMs', { afterMs: -1 }, /afterMs must be .*not -1/],
    ['an everyMs that is NaN', { everyMs: Number.NaN }, /everyMs must be .*not NaN/],
    ['no object', 'packages', /options must be an object, not "packages"/],
  ])('%s is refused, on a terminal or not', (_, options, told) => {
    const error = thrownBy(() => progressObserver(options as ProgressOptions))
    expect(error).toBeInstanceOf(OptionError)
    expect((error as Error).message).toMatch(told)
  })

  test('that are wrong are reported all at once', () => {
    const wrong = { lable: 'x', afterMs: -1 } as ProgressOptions
    expect(() => progressObserver(wrong)).toThrow(/^progressObserver: .*lable.*afterMs/)
  })
})
