import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import {
  dataType,
  durableStep,
  execute,
  executeBatch,
  explain,
  fromGraph,
  graph,
  OptionError,
  race,
  RaceLostError,
  StepTimeoutError,
  timer,
  type,
  untypedGraph,
} from '../../../src/index.ts'
import type { DurableContext, ExecutionEvent, GraphError } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { causeOf, day, endOf, graphOf, Receipt, resultOf, turns } from './orders.ts'

describe('the declaration of a durable step', () => {
  test('has no policies but those that make sense, and all problems are reported at once', () => {
    try {
      untypedGraph({
        name: 'g',
        steps: [
          durableStep({
            name: 'D',
            output: Receipt,
            run: 5,
            timeout: 0,
            retry: { maxAttempts: 0 },
            concurrency: 3,
            persist: 'global',
          } as never),
        ],
      })
      expect.unreachable()
    } catch (error) {
      const messages = (error as GraphError).problems.map(({ message }) => message)
      expect(messages.some((message) => message.includes('has no run function'))).toBe(true)
      expect(messages.some((message) => message.includes('unknown option "concurrency"'))).toBe(true)
      expect(messages.some((message) => message.includes('unknown option "persist"'))).toBe(true)
      expect(messages.some((message) => message.includes('timeout is 0'))).toBe(true)
      expect(messages.some((message) => message.includes('maxAttempts'))).toBe(true)
    }
  })

  test('takes no defaults of its graph, which are for functions', async () => {
    let attempts = 0
    const steps = [
      durableStep({
        name: 'D',
        output: Receipt,
        run: () => {
          attempts++
          throw new Error('no')
        },
      }),
    ] as const
    const strict = graph({ name: 'g', steps, defaults: { retry: { maxAttempts: 3 }, concurrency: 1 } })
    await expect(execute(strict, Receipt, {})).rejects.toThrow('no')
    expect(attempts).toBe(1)
  })

  test('is drawn as what it is', async () => {
    const plan = await explain(
      graphOf(() => 1),
      Receipt,
      { Order: 'o' },
    )
    expect(String(plan)).toContain('durable(Order) → Receipt')
    expect(plan.toMermaid()).toContain('[/"Handle"/]')
    expect(plan.steps[0]).toMatchObject({ kind: 'durable', will: 'run' })
  })
})

describe('ctx.step', () => {
  test('gives what its function makes, sync or async', async () => {
    const made = resultOf(async (ctx) => [await ctx.step('a', () => 1), await ctx.step('b', async () => 2)])
    expect(await made).toEqual([1, 2])
  })

  test('rejects with what its function throws, which the function may catch', async () => {
    const boom = new Error('boom')
    const seen: unknown[] = []
    await resultOf(async (ctx) => {
      await ctx
        .step('a', () => {
          throw boom
        })
        .catch((error: unknown) => seen.push(error))
      try {
        await ctx.step('b', () => Promise.reject(boom))
      } catch (error) {
        seen.push(error)
      }
    })
    expect(seen).toEqual([boom, boom])
  })

  test('has retries of its own, after waits in which the step waits', async () => {
    const attempts: number[] = []
    const keys = new Set<string>()
    const run = (ctx: DurableContext): unknown =>
      ctx.step(
        'flaky',
        ({ attempt, idempotencyKey }) => {
          attempts.push(attempt)
          keys.add(idempotencyKey)
          if (attempt < 3) throw new Error('not yet')
          return 'made it'
        },
        { retry: { maxAttempts: 5, backoff: '1d' } },
      )
    const events: ExecutionEvent[] = []
    expect(await endOf(run, { events })).toBe('made it')
    expect(attempts).toEqual([1, 2, 3])
    expect(keys.size).toBe(1)
    expect(events.filter(({ type }) => type === 'step.waiting')).toHaveLength(2)
  })

  test('times out by its own limit, with its signal aborted for that reason', async () => {
    let reason: unknown
    const run = (ctx: DurableContext): unknown =>
      ctx.step(
        'slow',
        ({ signal }) => new Promise(() => signal.addEventListener('abort', () => (reason = signal.reason))),
        { timeout: '1m' },
      )
    const error = await causeOf(endOf(run))
    expect(error).toBeInstanceOf(StepTimeoutError)
    expect((error as Error).message).toBe('"slow" of step "Handle" did not answer within 60000 ms (attempt 1)')
    expect(reason).toBe(error)
  })

  test('hands the details of its last heartbeat on to the next attempt', async () => {
    const found = resultOf((ctx) =>
      ctx.step(
        'import',
        ({ attempt, heartbeat, lastHeartbeat }) => {
          void heartbeat
          if (attempt === 2) return lastHeartbeat
          throw new Error('half way')
        },
        { retry: { maxAttempts: 2 } },
      ),
    )
    expect(await found).toBeUndefined()
    const told = resultOf((ctx) =>
      ctx.step(
        'import',
        (call) => {
          if (call.attempt === 2) return call.lastHeartbeat
          call.heartbeat({ row: 500 })
          throw new Error('half way')
        },
        { retry: { maxAttempts: 2 } },
      ),
    )
    expect(await told).toEqual({ row: 500 })
  })

  test('reports all that is wrong with a call, and runs nothing', async () => {
    const error = await causeOf(
      resultOf((ctx) => ctx.step('', 'no function' as never, { timeout: 'soon', key: 7, more: 1 } as never)),
    )
    expect(error).toBeInstanceOf(OptionError)
    for (const part of [
      'non-empty string',
      'must be a function',
      'timeout "soon"',
      'key must',
      'unknown option "more"',
    ])
      expect((error as Error).message).toContain(part)
  })

  test('that nobody waits for ends no process, and is stopped when the function ends', async () => {
    let reason: unknown
    const made = await resultOf((ctx) => {
      void ctx.step('a', () => Promise.reject(new Error('unheard')))
      void ctx.step('b', ({ signal }) => {
        signal.addEventListener('abort', () => (reason = signal.reason))
        return new Promise(() => {})
      })
      return turns(2).then(() => 'done')
    })
    await turns()
    expect(made).toBe('done')
    expect((reason as Error).message).toBe('the durable step "Handle" has ended')
  })
})

describe('names', () => {
  test('that repeat one after the other are numbered', async () => {
    const made = resultOf(async (ctx) => {
      let sum = 0
      for (let i = 0; i < 3; i++) sum += await ctx.step('add', () => i)
      return sum
    })
    expect(await made).toBe(3)
  })

  test('that repeat while something is open are refused, whatever the function makes of it', async () => {
    const error = await causeOf(
      resultOf(async (ctx) => {
        await Promise.allSettled([ctx.step('save', () => 1), ctx.step('save', () => 2)])
        return 'unharmed'
      }),
    )
    expect(error).toBeInstanceOf(OptionError)
    expect((error as Error).message).toContain('ctx.step "save" is called again while other calls are open')
    expect((error as Error).message).toContain('give it a key')
  })

  test('that repeat at the same time have keys, or stand in branches', async () => {
    const byKey = await resultOf((ctx) =>
      Promise.all([1, 2, 3].map((id) => ctx.step('save', () => id, { key: String(id) }))),
    )
    const byBranch = await resultOf((ctx) =>
      Promise.all(
        ['left', 'right'].map((side) =>
          ctx.branch(side, async (part) => [await part.step('save', () => side), await part.step('save', () => 2)]),
        ),
      ),
    )
    expect(byKey).toEqual([1, 2, 3])
    expect(byBranch).toEqual([
      ['left', 2],
      ['right', 2],
    ])
  })

  test('of branches that are open at the same time differ', async () => {
    const doubled = resultOf((ctx) => Promise.all([ctx.branch('one', () => turns()), ctx.branch('one', () => turns())]))
    expect(await causeOf(doubled)).toBeInstanceOf(OptionError)
  })
})

describe('a wait', () => {
  test('takes its time, and the step waits meanwhile', async () => {
    const events: ExecutionEvent[] = []
    const times: number[] = []
    const run = async (ctx: DurableContext): Promise<string> => {
      times.push(ctx.now().getTime())
      await ctx.sleep('3d')
      times.push(ctx.now().getTime())
      await ctx.sleepUntil(new Date(times[0]! + 10 * day))
      times.push(ctx.now().getTime())
      return 'awake'
    }
    expect(await endOf(run, { events, ms: day / 2 })).toBe('awake')
    expect(times.map((time) => (time - times[0]!) / day)).toEqual([0, 3, 10])
    expect(events.filter(({ type }) => type === 'step.waiting').map(({ type }) => type)).toHaveLength(2)
  })

  test('that is over already is over at once', async () => {
    const made = resultOf(async (ctx) => {
      await ctx.sleep(0)
      await ctx.sleepUntil(new Date(0))
      return 'now'
    })
    expect(await made).toBe('now')
  })

  test.each([
    ['sleep', 'tomorrow'],
    ['sleepUntil', 5],
    ['sleepUntil', new Date(Number.NaN)],
    ['sleep', 1e300],
  ] as const)('%s of %s is refused', async (verb, given) => {
    expect(await causeOf(resultOf((ctx) => ctx[verb](given as never)))).toBeInstanceOf(OptionError)
  })

  test('does not count for the timeout of the step, while work does', async () => {
    const clock = new VirtualTime()
    const work = (ctx: DurableContext, ms: number): unknown => ctx.step('work', ({ signal }) => clock.sleep(ms, signal))
    const timed = graphOf(
      async (ctx) => {
        await work(ctx, 30_000)
        await ctx.sleep('30d')
        await work(ctx, 20_000)
        await ctx.sleep('30d')
        await work(ctx, 20_000)
      },
      { timeout: '1m' },
    )
    const actor = createActor(fromGraph(timed, Receipt), { input: { Order: 'o' }, clock }).start()
    const error = causeOf(toPromise(actor))
    for (let i = 0; i < 2_000 && actor.getSnapshot().status === 'active'; i++) {
      await turns(3)
      await clock.advance(actor.getSnapshot().value === 'waiting' ? 30 * day : 5_000)
    }
    expect(await error).toBeInstanceOf(StepTimeoutError)
    expect(Math.round(clock.now() / day)).toBe(60)
  })
})

describe('a step that is stopped', () => {
  test('rejects what is open, so that finally runs, and calls nothing more', async () => {
    const seen: unknown[] = []
    const run = async (ctx: DurableContext): Promise<void> => {
      try {
        await ctx.sleep('1d')
      } catch (error) {
        seen.push(error, ctx.signal.aborted)
        await ctx.step('after', () => seen.push('never')).catch((later: unknown) => seen.push(later === error))
      }
    }
    const controller = new AbortController()
    const ended = causeOf(execute(graphOf(run), Receipt, { Order: 'o' }, { signal: controller.signal }))
    await turns()
    controller.abort(new Error('enough'))
    expect(await ended).toMatchObject({ code: 'EXECUTION_CANCELLED' })
    await turns()
    expect(seen).toEqual([expect.objectContaining({ code: 'EXECUTION_CANCELLED' }), true, true])
  })

  test('because it lost a race sees that as its reason', async () => {
    const Silence = dataType('Silence', type<{ dueAt: Date }>())
    const Outcome = dataType('Outcome', type<string>())
    let reason: unknown
    const steps = [
      durableStep({
        name: 'Talk',
        output: Receipt,
        run: async (_, ctx) => {
          await ctx.sleep('9d').catch((error: unknown) => (reason = error))
          return 'late'
        },
      }),
      timer({ name: 'Expire', output: Silence, after: '1d' }),
      race({ name: 'Settle', inputs: { talk: Receipt, silence: Silence }, output: Outcome, run: ({ port }) => port }),
    ] as const
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(graph({ name: 'g', steps }), Outcome), { input: {}, clock }).start()
    const ended = toPromise(actor)
    await turns()
    await clock.advance(day)
    expect(await ended).toBe('silence')
    expect(reason).toBeInstanceOf(RaceLostError)
  })
})

describe('policies', () => {
  test('fallback and compensate work as for functions', async () => {
    const undone: unknown[] = []
    const fallen = await resultOf(() => Promise.reject(new Error('no')), { fallback: 'plan B' })
    expect(fallen).toBe('plan B')
    const Done = dataType('Done', type<string>())
    const failing = graph({
      name: 'g',
      steps: [
        durableStep({
          name: 'Book',
          output: Receipt,
          run: (_, ctx) => ctx.step('book', () => 'seat 7'),
          compensate: (output) => undone.push(output),
        }),
        durableStep({
          name: 'Pay',
          inputs: { receipt: Receipt },
          output: Done,
          run: (_, ctx) => ctx.step('pay', () => Promise.reject<string>(new Error('no money'))),
        }),
      ],
    })
    await expect(execute(failing, Done, {})).rejects.toThrow('no money')
    expect(undone).toEqual(['seat 7'])
  })

  test('each item of a batch has a function of its own', async () => {
    const results = await executeBatch(
      graphOf(async (ctx) => [ctx.item, await ctx.step('a', () => ctx.item! * 2)]),
      Receipt,
      [{ Order: 'a' }, { Order: 'b' }, { Order: 'c' }],
    )
    expect(results).toEqual([
      [0, 0],
      [1, 2],
      [2, 4],
    ])
  })
})
