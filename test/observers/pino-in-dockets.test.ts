import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import type { SpanContext } from '@opentelemetry/api'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { graph, signal, step } from '../../src/index.ts'
import { pinoObserver } from '../../src/observers/pino.ts'
import { World } from '../durable/durable-time.ts'
import { expectNoUnhandledErrors, number, run } from '../loose-api.ts'
import { tracing } from './tracing.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Target = number('Target')

const orders = graph({
  name: 'orders',
  steps: [
    step({
      name: 'Work',
      inputs: { leaf: Leaf },
      output: Target,
      persist: 'execution',
      run: ({ leaf }, { log }) => {
        log.child({ more: 1 }).info({}, 'from the step')
        return leaf
      },
    }),
  ],
})

function logging() {
  const lines: Record<string, unknown>[] = []
  const destination = new Writable({
    write(chunk: Buffer, _, done) {
      lines.push(JSON.parse(chunk.toString()) as Record<string, unknown>)
      done()
    },
  })
  const of = (msg: string) => lines.find((line) => line['msg'] === msg)
  return { lines, of, observer: pinoObserver(pino({ level: 'debug', base: null }, destination)) }
}

test('in a docket each line says which process wrote it, and in which life of the execution', async () => {
  const world = new World()
  const { lines, observer } = logging()
  const docket = world.process({ graphs: [orders], observers: [observer], lease: '5s' })
  await world.clock.settle(docket.execute(orders, Target, { Leaf: 4_711 }, { id: 'a' }))
  const events = lines.filter(({ msg }) => msg !== 'from the step')
  expect(events.length).toBeGreaterThan(3)
  for (const line of events)
    expect(line).toMatchObject({ executionId: 'a', owner: expect.stringMatching(/^process-1/), epoch: 1 })
  expect(JSON.stringify(lines)).not.toContain('4711')
})

test('outside of dockets there is neither', async () => {
  const { of, observer } = logging()
  await run(orders, Target, { Leaf: 1 }, { observers: [observer] })
  expect(Object.keys(of('execution.started')!)).not.toEqual(expect.arrayContaining(['owner', 'epoch']))
})

const caller = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED }

/** Calls where the caller's span is active. */
function called<Value>(call: () => Value): Value {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, caller), call)
}

const idsOf = ({ traceId, spanId }: SpanContext) => ({ trace_id: traceId, span_id: spanId })

/** Seed → Left and Right, which end in the order that they are let go in, → Both. */
function twoAtOnce() {
  const gates = { Left: Promise.withResolvers<number>(), Right: Promise.withResolvers<number>() }
  const [Left, Right] = [number('Left'), number('Right')]
  const both = graph({
    name: 'both',
    steps: [
      step({ name: 'MakeLeft', inputs: { leaf: Leaf }, output: Left, run: () => gates.Left.promise }),
      step({ name: 'MakeRight', inputs: { leaf: Leaf }, output: Right, run: () => gates.Right.promise }),
      step({
        name: 'Sum',
        inputs: { left: Left, right: Right },
        output: Target,
        run: ({ left, right }) => left + right,
      }),
    ],
  })
  return { both, gates }
}

test.each(['before', 'after'])(
  'a line of an event has the ids of what it is about, whatever has brought that on; traces are observed %s logs',
  async (order) => {
    const { lines, of, observer } = logging()
    const { observer: traces, one } = tracing()
    const { both, gates } = twoAtOnce()
    const observers = order === 'before' ? [traces, observer] : [observer, traces]
    const ended = called(() => run(both, Target, { Leaf: 1 }, { observers }))
    gates.Right.resolve(1)
    await new Promise((resolve) => setImmediate(resolve))
    gates.Left.resolve(1)
    await ended
    for (const type of ['execution.started', 'execution.ended'])
      expect(of(type)).toMatchObject(idsOf(one('life of both').spanContext()))
    for (const step of ['MakeLeft', 'MakeRight', 'Sum'])
      expect(lines.find((line) => line['msg'] === 'step.ended' && line['step'] === step)).toMatchObject(
        idsOf(one(step).spanContext()),
      )
  },
)

test('where nothing is traced, a line of an event has the ids of its caller', async () => {
  const { lines, observer } = logging()
  const { both, gates } = twoAtOnce()
  const ended = called(() => run(both, Target, { Leaf: 1 }, { observers: [observer] }))
  gates.Left.resolve(1)
  gates.Right.resolve(1)
  await ended
  expect(lines.length).toBeGreaterThan(5)
  for (const line of lines) expect(line).toMatchObject(idsOf(caller))
})

test('a line of a step has the ids of its attempt', async () => {
  const { of, observer } = logging()
  const { observer: traces, one } = tracing()
  await called(() => run(orders, Target, { Leaf: 1 }, { observers: [traces, observer] }))
  expect(of('from the step')).toMatchObject({ step: 'Work', attempt: 1, more: 1, ...idsOf(one('Work').spanContext()) })
})

test('an execution that is parked has cancelled nothing', async () => {
  const world = new World()
  const { lines, observer } = logging()
  const asks = graph({
    name: 'asks',
    steps: [
      signal(Leaf),
      step({ name: 'Wait', inputs: { leaf: Leaf }, output: Target, persist: 'execution', run: ({ leaf }) => leaf }),
    ],
  })
  const docket = world.process({ graphs: [asks], observers: [observer], park: '1s' })
  const handle = await world.clock.settle(docket.start(asks, Target, {}, { id: 'a' }))
  await world.clock.advance(5_000)
  expect(lines.at(-1)).toMatchObject({ msg: 'execution.released', cause: 'park' })
  await world.clock.settle(handle.signal(Leaf, 1))
  expect(await world.clock.settle(handle.result())).toBe(1)
  expect(lines.map(({ msg }) => msg)).not.toContain('step.cancelled')
})

test('without an active span there are no ids', async () => {
  const { lines, observer } = logging()
  await run(orders, Target, { Leaf: 1 }, { observers: [observer] })
  for (const line of lines) expect(line).not.toHaveProperty('trace_id')
})
