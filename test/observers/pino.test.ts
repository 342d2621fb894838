import { Writable } from 'node:stream'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { OptionError, optional, step } from '../../src/index.ts'
import { pinoObserver } from '../../src/observers/pino.ts'
import type { PinoObserverOptions } from '../../src/observers/pino.ts'
import {
  expectNoUnhandledErrors,
  graphOf,
  never,
  number,
  rejectionOf,
  run,
  runBatch,
  thrownBy,
  uniqueName,
} from '../loose-api.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { hostile, round, throwing } from '../hostile-values.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Target = number('Target')

/** One line of the log. */
type Line = Readonly<Record<string, unknown>>

/** A real logger that writes into a list. */
function logging(options?: PinoObserverOptions) {
  const lines: Line[] = []
  const destination = new Writable({
    write(chunk: Buffer, _, done) {
      lines.push(JSON.parse(chunk.toString()) as Line)
      done()
    },
  })
  const logger = pino({ level: 'trace' }, destination)
  return { lines, observers: [pinoObserver(logger, options)] }
}

const levelOf = ({ level }: Line): string => pino.levels.labels[level as number]!
const brief = (line: Line): string => `${levelOf(line)} ${String(line['msg'])}`

/** (Leaf) → Target, which fails as often as told. */
function failing(failures: number, maxAttempts: number, more: object = {}) {
  return graphOf([
    step({
      name: 's',
      inputs: { leaf: Leaf },
      output: Target,
      retry: { maxAttempts },
      run: ({ leaf }, { attempt }) => {
        if (attempt <= failures) throw new Error(`boom ${attempt}`, { cause: new Error('deep') })
        return leaf
      },
      ...more,
    }),
  ])
}

describe('levels', () => {
  test('an execution that goes well starts and ends at info, its steps and attempts are at debug', async () => {
    const { lines, observers } = logging()
    await run(failing(0, 1), Target, { Leaf: 1 }, { observers })
    expect(lines.map(brief)).toEqual([
      'info execution.started',
      'debug step.started',
      'debug attempt.started',
      'debug step.ended',
      'info execution.ended',
    ])
  })

  test('failed attempts and retries are at warn, the end of the step that follows at debug, the failed execution at error', async () => {
    const { lines, observers } = logging()
    const clock = new VirtualClock()
    await clock.settle(rejectionOf(run(failing(2, 2), Target, { Leaf: 1 }, { observers, clock })))
    expect(lines.map(brief)).toEqual([
      'info execution.started',
      'debug step.started',
      'debug attempt.started',
      'warn attempt.failed',
      'warn retry.scheduled',
      'debug attempt.started',
      'warn attempt.failed',
      'debug step.ended',
      'error execution.ended',
    ])
  })

  test('a step that fails before it has an attempt is at warn', async () => {
    const { lines, observers } = logging()
    const concurrency = { limit: 1, key: () => 1 as unknown as string }
    const graph = graphOf([step({ name: 's', output: Target, concurrency, run: () => 1 })])
    await rejectionOf(run(graph, Target, {}, { observers }))
    expect(lines.find(({ msg }) => msg === 'step.ended')).toMatchObject({
      level: pino.levels.values['warn'],
      err: { message: expect.stringContaining('concurrency.key'), stack: expect.any(String) },
    })
  })

  test('a cancelled execution ends at info, its cancelled step at debug, both with the reason under err', async () => {
    const { lines, observers } = logging()
    const controller = new AbortController()
    const graph = graphOf([step({ name: 's', output: Target, run: () => never<number>() })])
    const rejection = rejectionOf(run(graph, Target, {}, { observers, signal: controller.signal }))
    controller.abort(new Error('enough'))
    await rejection
    const ends = lines.slice(-2)
    expect(ends.map(brief)).toEqual(['debug step.cancelled', 'info execution.ended'])
    for (const line of ends) expect(line).toMatchObject({ status: 'cancelled', err: { code: 'EXECUTION_CANCELLED' } })
  })

  test('cache look-ups and batch progress are at debug', async () => {
    const { lines, observers } = logging()
    await runBatch(failing(0, 1, { persist: 'execution' }), Target, [{ Leaf: 1 }, { Leaf: 1 }], { observers })
    const texts = lines.map(brief)
    for (const text of ['debug cache.miss', 'debug cache.hit', 'debug batch.progress']) expect(texts).toContain(text)
    expect(texts.filter((text) => !text.startsWith('debug'))).toEqual([
      'info execution.started',
      'info execution.ended',
    ])
  })
})

describe('fields', () => {
  test('of what a machine emits are its type, and none of its values', () => {
    const { lines, observers } = logging()
    const event = { type: 'PAID', card: 'secret-1234' }
    observers[0]!.next({
      type: 'step.emitted',
      seq: 1,
      at: 0,
      executionId: 'a',
      graph: 'g',
      step: 's',
      item: undefined,
      event,
    })
    expect(lines).toMatchObject([{ msg: 'step.emitted', step: 's', event: 'PAID' }])
    expect(JSON.stringify(lines)).not.toContain('secret')
  })

  test('are those of the event, its type being the message', async () => {
    const { lines, observers } = logging()
    const clock = new VirtualClock()
    const graph = failing(1, 2, { retry: { maxAttempts: 2, backoff: 250 } })
    const id = uniqueName('id')
    await clock.settle(run(graph, Target, { Leaf: 1 }, { observers, clock, id }))
    const line = lines.find(({ msg }) => msg === 'retry.scheduled')!
    const at = line['at'] as number
    expect(line).toEqual({
      level: pino.levels.values['warn'],
      time: line['time'],
      pid: process.pid,
      hostname: line['hostname'],
      msg: 'retry.scheduled',
      seq: line['seq'],
      at,
      executionId: id,
      graph: graph.name,
      step: 's',
      attempt: 1,
      delayMs: 250,
      dueAt: at + 250,
    })
    expect(lines.map((line) => line['seq'])).toEqual(lines.map((_, index) => index + 1))
  })

  test('have the item in a batch', async () => {
    const { lines, observers } = logging()
    await runBatch(failing(0, 1), Target, [{ Leaf: 1 }, { Leaf: 2 }], { observers })
    expect(lines.filter(({ msg }) => msg === 'step.ended').map(({ item }) => item)).toEqual([0, 1])
  })

  test('have an error under err, as pino serializes it, and nowhere else', async () => {
    const { lines, observers } = logging()
    await rejectionOf(run(failing(1, 1), Target, { Leaf: 1 }, { observers }))
    const failed = lines.filter((line) => 'err' in line)
    expect(failed.map(({ msg }) => msg)).toEqual(['attempt.failed', 'step.ended', 'execution.ended'])
    expect(failed[0]!['err']).toMatchObject({ type: 'Error', message: expect.stringContaining('boom 1') })
    expect((failed[0]!['err'] as { readonly stack: string }).stack).toContain('deep')
    expect(failed[2]!['err']).toMatchObject({ type: 'StepError', code: 'STEP_FAILED', step: 's' })
    expect(lines.filter((line) => 'error' in line || 'reason' in line)).toEqual([])
  })

  test('have each message once in the message of an error, and each stack', async () => {
    const { lines, observers } = logging()
    await rejectionOf(run(failing(1, 1), Target, { Leaf: 1 }, { observers }))
    const { message, stack } = lines.at(-1)!['err'] as { readonly message: string; readonly stack: string }
    expect(message).toBe('step "s" failed after 1 attempt: boom 1: deep')
    expect(stack).toMatch(/StepError: step "s".*caused by: Error: boom 1\n.*caused by: Error: deep\n/s)
  })

  test('have a failure of an optional step with its stack once', async () => {
    const { lines, observers } = logging()
    const Part = number('Part')
    const graph = graphOf([
      step({ name: 'part', output: Part, run: () => Promise.reject(new Error('no part')) }),
      step({ name: 'whole', inputs: { part: optional(Part) }, output: Target, run: () => 1 }),
    ])
    await run(graph, Target, {}, { observers })
    expect(lines.filter((line) => levelOf(line) === 'warn').map(brief)).toEqual(['warn attempt.failed'])
    const stacks = lines.filter(({ err }) => (err as { readonly stack?: string } | undefined)?.stack)
    expect(stacks.map(({ msg }) => msg)).toEqual(['attempt.failed'])
    expect(lines.find(({ msg, status }) => msg === 'step.ended' && status === 'failed')).toMatchObject({
      err: { type: 'Error', message: 'no part' },
    })
  })

  test.each<readonly [string, () => unknown]>([
    ['a frozen error', () => Object.freeze(new Error('cold'))],
    ['an error whose cause is frozen', () => new Error('warm', { cause: Object.freeze(new Error('cold')) })],
    ['an error that causes itself', round],
    ['a proxy that throws in every trap', hostile],
    ['an error whose message is a getter that throws', () => throwing('message')],
    ['an error whose stack is a getter that throws', () => throwing('stack')],
    ['an error whose cause is a getter that throws', () => throwing('cause')],
    ['an error with a field that is a getter that throws', () => throwing('field')],
    ['null', () => null],
  ])('have %s as the error’s cause, and no line is lost', async (_, thrown) => {
    const { lines, observers } = logging()
    const graph = graphOf([step({ name: 's', output: Target, run: () => Promise.reject(thrown() as Error) })])
    await rejectionOf(run(graph, Target, {}, { observers }))
    expect(lines.map(({ msg }) => msg)).toEqual([
      'execution.started',
      'step.started',
      'attempt.started',
      'attempt.failed',
      'step.ended',
      'execution.ended',
    ])
  })

  test('have no err where nothing failed', async () => {
    const { lines, observers } = logging()
    await run(failing(0, 1), Target, { Leaf: 1 }, { observers })
    expect(lines.filter((line) => 'err' in line)).toEqual([])
  })

  test.each([
    ['a text', 'string', 'a text'],
    [7, 'number', '7, which is no Error'],
    [null, 'null', 'null, which is no Error'],
  ])('have what was thrown under err as an object, be it no error but %j', async (thrown, type, message) => {
    const { lines, observers } = logging()
    const graph = graphOf([step({ name: 's', output: Target, run: () => Promise.reject(thrown as unknown as Error) })])
    await rejectionOf(run(graph, Target, {}, { observers }))
    for (const msg of ['attempt.failed', 'step.ended'])
      expect(lines.find((line) => line['msg'] === msg)).toMatchObject({ err: { type, message } })
  })
})

describe('steps: false', () => {
  test('leaves only the execution’s start and end of one that goes well', async () => {
    const { lines, observers } = logging({ steps: false })
    const graph = failing(0, 1, { persist: 'execution' })
    await runBatch(graph, Target, [{ Leaf: 1 }, { Leaf: 2 }], { observers })
    expect(lines.map(brief)).toEqual(['info execution.started', 'info execution.ended'])
  })

  test('leaves what fails', async () => {
    const { lines, observers } = logging({ steps: false })
    const clock = new VirtualClock()
    await clock.settle(rejectionOf(run(failing(2, 2), Target, { Leaf: 1 }, { observers, clock })))
    expect(lines.map(brief)).toEqual([
      'info execution.started',
      'warn attempt.failed',
      'warn retry.scheduled',
      'warn attempt.failed',
      'error execution.ended',
    ])
  })
})

describe('ctx.log', () => {
  test('is the observer’s logger, bound to execution, step and attempt', async () => {
    const { lines, observers } = logging({ steps: false })
    const clock = new VirtualClock()
    const graph = graphOf([
      step({
        name: 's',
        output: Target,
        retry: { maxAttempts: 2 },
        run: (_, { log, attempt }) => {
          log.warn({ size: 3 }, 'hello')
          if (attempt === 1) throw new Error('again')
          return 1
        },
      }),
    ])
    const id = uniqueName('id')
    await clock.settle(run(graph, Target, {}, { observers, clock, id }))
    const said = lines.filter(({ msg }) => msg === 'hello')
    expect(said.map(levelOf)).toEqual(['warn', 'warn'])
    expect(said).toMatchObject([1, 2].map((attempt) => ({ size: 3, executionId: id, step: 's', attempt })))
  })
})

describe('options', () => {
  test.each<readonly [string, unknown, RegExp]>([
    ['an unknown name', { step: false }, /unknown option "step".*did you mean "steps"/],
    ['steps that are neither true nor false', { steps: 'no' }, /steps must be true or false, not "no"/],
    ['no object', false, /options must be an object, not false/],
  ])('%s is refused', (_, options, told) => {
    const error = thrownBy(() => logging(options as PinoObserverOptions))
    expect(error).toBeInstanceOf(OptionError)
    expect((error as Error).message).toMatch(told)
  })

  test('a missing logger is refused', () => {
    const error = thrownBy(() => pinoObserver({ steps: false } as never))
    expect(error).toBeInstanceOf(OptionError)
    expect((error as Error).message).toMatch(/logger must be/)
  })
})
