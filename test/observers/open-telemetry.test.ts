import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api'
import { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler } from '@opentelemetry/sdk-trace'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, expect, test } from 'vitest'
import { durableStep, execute, graph, OptionError, signal, step, subgraph } from '../../src/index.ts'
import type { Observer } from '../../src/index.ts'
import { openTelemetryObserver } from '../../src/observers/open-telemetry.ts'
import { parseTraceParent, traceParentOf } from '../../src/observers/traces/trace-parent.ts'
import { World } from '../durable/durable-time.ts'
import { expectNoUnhandledErrors, number, rejectionOf, run, runBatch, thrownBy, uniqueName } from '../loose-api.ts'
import { activeSpan, linksOf, tracing } from './tracing.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Middle = number('Middle')
const Target = number('Target')
const Given = number('Given')

/** (Leaf) → Middle → Target; each step notes which span is active in it, before and after a wait. */
function chain(more: { readonly second?: () => unknown; readonly persist?: 'execution' } = {}) {
  const active: Record<string, (string | undefined)[]> = {}
  const note = (name: string): void => void (active[name] ??= []).push(activeSpan()?.spanId)
  const made = graph({
    name: 'chain',
    steps: [
      step({
        name: 'First',
        inputs: { leaf: Leaf },
        output: Middle,
        ...(more.persist && { persist: more.persist }),
        run: async ({ leaf }) => {
          note('First')
          await Promise.resolve()
          note('First')
          return leaf
        },
      }),
      step({
        name: 'Second',
        inputs: { middle: Middle },
        output: Target,
        run: ({ middle }) => {
          note('Second')
          return (more.second?.() as number | undefined) ?? middle
        },
      }),
    ],
  })
  return { graph: made, active }
}

const sampledCaller = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
}

describe('openTelemetryObserver', () => {
  test('an execution is a root span with its attempts as children, and each is active in its step', async () => {
    const { observers, one, spans } = tracing()
    const { graph: made, active } = chain()
    await run(made, Target, { Leaf: 1 }, { observers, id: 'a' })
    const root = one('life of chain')
    expect(spans().map(({ name }) => name)).toEqual(['First', 'Second', 'life of chain'])
    expect(root.parentSpanContext).toBeUndefined()
    expect(root.kind).toBe(SpanKind.INTERNAL)
    expect(root.attributes).toEqual({
      'docket.execution.id': 'a',
      'docket.graph': 'chain',
      'docket.target': 'Target',
      'docket.status': 'completed',
    })
    for (const name of ['First', 'Second']) {
      const span = one(name)
      expect(span.parentSpanContext?.spanId).toBe(root.spanContext().spanId)
      expect(span.kind).toBe(SpanKind.INTERNAL)
      expect(span.attributes).toEqual({ 'docket.execution.id': 'a', 'docket.step': name, 'docket.attempt': 1 })
      expect(new Set(active[name])).toEqual(new Set([span.spanContext().spanId]))
    }
    expect(active['First']).toHaveLength(2)
  })

  test('what a step calls is a child of its attempt, and what the caller keeps in its own storage is there too', async () => {
    const { observers, tracer, one } = tracing()
    const storage = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const { graph: made } = chain({
      second: () => {
        seen.push(storage.getStore(), propagation.getBaggage(context.active())?.getEntry('tenant')?.value)
        tracer.startSpan('call').end()
      },
    })
    const baggage = propagation.createBaggage({ tenant: { value: 'acme' } })
    await storage.run('mine', () =>
      context.with(propagation.setBaggage(ROOT_CONTEXT, baggage), () => run(made, Target, { Leaf: 1 }, { observers })),
    )
    expect(seen).toEqual(['mine', 'acme'])
    expect(one('call').parentSpanContext?.spanId).toBe(one('Second').spanContext().spanId)
    expect(activeSpan()).toBeUndefined()
  })

  test('it is linked to the span that called it, and is sampled by its own rule, whatever that was', async () => {
    const { observers, one, tracer } = tracing(new ParentBasedSampler({ root: new AlwaysOnSampler() }))
    const unsampled = { ...sampledCaller, traceFlags: TraceFlags.NONE }
    const caller = trace.setSpanContext(ROOT_CONTEXT, unsampled)
    expect(tracer.startSpan('dropped', {}, caller).isRecording()).toBe(false)
    await context.with(caller, () => run(chain().graph, Target, { Leaf: 1 }, { observers }))
    const root = one('life of chain')
    expect(root.spanContext().traceId).not.toBe(unsampled.traceId)
    expect(linksOf(root)).toEqual([['caller', unsampled.spanId]])
  })

  test('of an execution that is not sampled, nothing is exported, and its steps hand on that it is not', async () => {
    const { observers, spans } = tracing(new AlwaysOffSampler())
    const seen: unknown[] = []
    const { graph: made } = chain({ second: () => void seen.push(activeSpan()) })
    await run(made, Target, { Leaf: 1 }, { observers })
    expect(spans()).toEqual([])
    expect(seen).toMatchObject([{ traceFlags: TraceFlags.NONE, traceId: expect.stringMatching(/[1-9a-f]/) }])
  })

  test.each(['before', 'after'])(
    'what another observer, %s it, puts into the async context of a step is there, though the execution is not sampled',
    async (place) => {
      const { observer } = tracing(new AlwaysOffSampler())
      const storage = new AsyncLocalStorage<string>()
      const other: Observer = {
        next: () => {},
        observe: () => ({ within: ({ step: name }, begin) => storage.run(`within ${name}`, begin) }),
      }
      const seen: unknown[] = []
      const { graph: made } = chain({ second: () => void seen.push(storage.getStore(), activeSpan()) })
      const observers = place === 'before' ? [other, observer] : [observer, other]
      await run(made, Target, { Leaf: 1 }, { observers })
      expect(seen).toMatchObject(['within Second', { traceId: expect.stringMatching(/[1-9a-f]/) }])
    },
  )

  test('a failed attempt has its exception, and the type of its error', async () => {
    const { observers, named, one } = tracing()
    const failing = graph({
      name: 'failing',
      steps: [
        step({
          name: 'Fails',
          output: Target,
          retry: { maxAttempts: 2 },
          run: () => {
            throw new RangeError('too far')
          },
        }),
      ],
    })
    await rejectionOf(run(failing, Target, {}, { observers }))
    const attempts = named('Fails')
    expect(attempts.map(({ attributes }) => attributes['docket.attempt'])).toEqual([1, 2])
    for (const { status, attributes, events } of attempts) {
      expect(status).toEqual({ code: SpanStatusCode.ERROR, message: 'too far' })
      expect(attributes['error.type']).toBe('RangeError')
      expect(events).toMatchObject([
        { name: 'exception', attributes: { 'exception.type': 'RangeError', 'exception.message': 'too far' } },
      ])
      expect(events[0]!.attributes!['exception.stacktrace']).toContain('open-telemetry.test.ts')
    }
    expect(one('life of failing').attributes).toMatchObject({ 'docket.status': 'failed', 'error.type': 'STEP_FAILED' })
    expect(one('life of failing').events.map(({ name }) => name)).toEqual(['docket.step.retrying', 'exception'])
  })

  test('a step that is served from what is remembered is an event of the root, and no span', async () => {
    const { observers, named } = tracing()
    const id = uniqueName()
    const { graph: made } = chain({ persist: 'execution' })
    await run(made, Target, { Leaf: 1 }, { observers, id })
    await run(made, Target, { Leaf: 1 }, { observers, id })
    expect(named('First')).toHaveLength(1)
    expect(named('life of chain')[1]!.events).toMatchObject([
      { name: 'docket.step.cached', attributes: { 'docket.step': 'First', 'docket.cache': 'execution' } },
    ])
  })

  test('items of a batch have attempts of their own', async () => {
    const { observers, named, one } = tracing()
    await runBatch(chain().graph, Target, [{ Leaf: 1 }, { Leaf: 2 }], { observers })
    expect(named('First').map(({ attributes }) => attributes['docket.item'])).toEqual([0, 1])
    for (const { parentSpanContext } of named('Second'))
      expect(parentSpanContext?.spanId).toBe(one('life of chain').spanContext().spanId)
  })

  test('executions with one id at the same time have spans of their own', async () => {
    const { observers, named } = tracing()
    const both = Array.from({ length: 3 }, () => run(chain().graph, Target, { Leaf: 1 }, { observers, id: 'same' }))
    await Promise.all(both)
    expect(new Set(named('Second').map((span) => span.spanContext().traceId)).size).toBe(3)
    expect(named('life of chain')).toHaveLength(3)
  })

  test('a child is a root of its own, linked to the attempt that began it', async () => {
    const { observers, one } = tracing()
    const outer = graph({ name: 'outer', steps: [subgraph(chain().graph, Target)] })
    await run(outer, Target, { Leaf: 1 }, { observers })
    expect(linksOf(one('life of chain'))).toEqual([['caller', one('chain').spanContext().spanId]])
  })

  test.each([
    'garbage',
    '00-00000000000000000000000000000000-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more',
    '00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01',
    ''.padEnd(100_000, '0'),
  ])('a traceparent of garbage is ignored: %#', async (traceparent) => {
    const { observers, one } = tracing()
    expect(await run(chain().graph, Target, { Leaf: 1 }, { observers, headers: { traceparent } })).toBe(1)
    expect(one('life of chain').links).toEqual([])
  })

  test('a traceparent in the headers is where the caller is, in whatever case', async () => {
    const { observers, one } = tracing()
    const headers = { Traceparent: traceParentOf(sampledCaller) }
    await run(chain().graph, Target, { Leaf: 1 }, { observers, headers })
    expect(linksOf(one('life of chain'))).toEqual([['caller', sampledCaller.spanId]])
    expect(parseTraceParent(`01-${'a'.repeat(32)}-${'b'.repeat(16)}-01-later`)?.spanId).toBe('b'.repeat(16))
  })

  test('an observer that is the graph’s and the call’s makes one span for each', async () => {
    const { observer, spans } = tracing()
    const one = graph({
      name: 'one',
      steps: [step({ name: 'One', output: Target, run: () => 1 })],
      observers: [observer],
    })
    await execute(one, Target, {}, { observers: [observer] })
    expect(spans().map(({ name }) => name)).toEqual(['One', 'life of one'])
  })

  test('without an SDK nothing happens, and steps see no span', async () => {
    const seen: unknown[] = []
    const { graph: made } = chain({ second: () => void seen.push(activeSpan()) })
    await run(made, Target, { Leaf: 1 }, { observers: [openTelemetryObserver()] })
    expect(seen).toEqual([undefined])
  })

  test.each([
    [{ tracer: {} }, 'tracer must be a Tracer of OpenTelemetry, not an object'],
    [{ meter: 1 }, 'meter must be a Meter of OpenTelemetry, not 1'],
    [{ trace: 1 }, 'trace'],
  ])('refuses %o', (options, message) => {
    const error = thrownBy(() => openTelemetryObserver(options as never))
    expect(error).toBeInstanceOf(OptionError)
    expect((error as Error).message).toContain(message)
  })
})

const approval = () =>
  graph({
    name: 'approval',
    steps: [
      step({ name: 'Ask', inputs: { leaf: Leaf }, output: Middle, persist: 'execution', run: ({ leaf }) => leaf }),
      signal(Given),
      step({
        name: 'Decide',
        inputs: { middle: Middle, given: Given },
        output: Target,
        run: ({ middle, given }) => middle + given,
      }),
    ],
  })

describe('openTelemetryObserver of a docket', () => {
  test('each life is a root span, linked to the one before, and one span at the end is the whole', async () => {
    const world = new World()
    const { observers, one, named, tracer } = tracing()
    const docket = world.process({ graphs: [approval()], observers, park: '1s' })
    const caller = tracer.startSpan('request')
    await context.with(trace.setSpan(ROOT_CONTEXT, caller), () =>
      world.clock.settle(docket.startByName('approval', 'Target', { Leaf: 1 }, { id: 'a' })),
    )
    caller.end()
    await world.clock.advance(3_600_000)
    const handle = await docket.get('a')
    expect((await handle!.details()).headers['traceparent']).toBe(traceParentOf(caller.spanContext()))
    await world.clock.settle(handle!.signal(Given, 5))
    await world.clock.advance(10_000)
    const [first, second, ...more] = named('life of approval')
    expect(more).toEqual([])
    expect(first!.attributes).toMatchObject({ 'docket.epoch': 1, 'docket.released': 'park', 'docket.queue': 'default' })
    expect(first!.kind).toBe(SpanKind.INTERNAL)
    expect(second!.attributes).toMatchObject({
      'docket.epoch': 2,
      'docket.status': 'completed',
      'docket.resumed_after': 'release',
    })
    expect(second!.kind).toBe(SpanKind.CONSUMER)
    expect(first!.spanContext().traceId).not.toBe(second!.spanContext().traceId)
    const of = caller.spanContext().spanId
    expect(linksOf(first!)).toEqual([['caller', of]])
    expect(linksOf(second!)).toEqual([
      ['caller', of],
      ['previous life', first!.spanContext().spanId],
    ])
    const whole = one('execution of approval')
    expect(whole.parentSpanContext?.spanId).toBe(second!.spanContext().spanId)
    expect(whole.duration[0]).toBeGreaterThanOrEqual(3_600)
    expect(whole.attributes).toMatchObject({
      'docket.execution.id': 'a',
      'docket.lives': 2,
      'docket.status': 'completed',
    })
    expect(named('lost life of approval')).toEqual([])
  })

  test('context goes through queues and children', async () => {
    const world = new World()
    const { observers, one } = tracing()
    const outer = graph({ name: 'outer', steps: [subgraph(chain().graph, Target, { queue: 'others' })] })
    const starter = world.process({ graphs: [outer], observers, work: { default: 5 } })
    world.process({ graphs: [outer], observers, work: { others: 5 } })
    await world.clock.settle(starter.execute(outer, Target, { Leaf: 1 }, { id: 'a' }))
    await world.clock.advance(5_000)
    const child = one('life of chain')
    expect(child.kind).toBe(SpanKind.CONSUMER)
    expect(child.attributes).toMatchObject({ 'docket.queue': 'others' })
    expect(linksOf(child)).toEqual([['caller', one('chain').spanContext().spanId]])
  })

  test('an execution that is not sampled says so to its children in other queues, whatever its caller was', async () => {
    const world = new World()
    const { observers, spans } = tracing(new AlwaysOffSampler())
    const outer = graph({ name: 'outer', steps: [subgraph(chain().graph, Target, { queue: 'others' })] })
    const docket = world.process({ graphs: [outer], observers, work: { default: 5, others: 5 } })
    const headers = { traceparent: traceParentOf(sampledCaller) }
    await world.clock.settle(docket.execute(outer, Target, { Leaf: 1 }, { id: 'a', headers }))
    const { executions } = await world.clock.settle(docket.list({ queue: 'others' }))
    expect(executions).toHaveLength(1)
    const handle = await world.clock.settle(docket.get(executions[0]!.id))
    const { headers: told } = await world.clock.settle(handle!.details())
    expect(parseTraceParent(told['traceparent'])).toMatchObject({ traceFlags: TraceFlags.NONE })
    expect(told['traceparent']).not.toContain(sampledCaller.traceId)
    expect(spans()).toEqual([])
  })

  test('a function that begins anew begins a new trace, linked to the one before', async () => {
    const world = new World()
    const { observers, named } = tracing()
    const active: (string | undefined)[] = []
    const loop = graph({
      name: 'loop',
      steps: [
        durableStep({
          name: 'Loop',
          inputs: { leaf: Leaf },
          output: Target,
          run: async ({ leaf }, ctx) => {
            active.push(activeSpan()?.spanId)
            if (leaf < 3) await ctx.continueAsNew({ leaf: leaf + 1 })
            return leaf
          },
        }),
      ],
    })
    const docket = world.process({ graphs: [loop], observers })
    expect(await world.clock.settle(docket.execute(loop, Target, { Leaf: 1 }, { id: 'a' }))).toBe(3)
    const roots = named('life of loop')
    expect(roots).toHaveLength(3)
    expect(new Set(roots.map((root) => root.spanContext().traceId)).size).toBe(3)
    expect(linksOf(roots[2]!)).toEqual([['previous generation', roots[1]!.spanContext().spanId]])
    expect(named('Loop').map((span) => span.spanContext().spanId)).toEqual(active)
    expect(named('Loop').map((span) => span.parentSpanContext?.spanId)).toEqual(
      roots.map((root) => root.spanContext().spanId),
    )
  })
})
