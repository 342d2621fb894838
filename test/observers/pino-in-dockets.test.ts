import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { graph, step } from '../../src/index.ts'
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

test('a line has the ids of the span that is active: of the caller’s, and in a step of its attempt’s', async () => {
  const { of, observer } = logging()
  const { observer: traces, one } = tracing()
  const caller = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED }
  await context.with(trace.setSpanContext(ROOT_CONTEXT, caller), () =>
    run(orders, Target, { Leaf: 1 }, { observers: [traces, observer] }),
  )
  expect(of('execution.started')).toMatchObject({ trace_id: caller.traceId, span_id: caller.spanId })
  const { traceId, spanId } = one('Work').spanContext()
  expect(of('from the step')).toMatchObject({ step: 'Work', attempt: 1, more: 1, trace_id: traceId, span_id: spanId })
})

test('without an active span there are no ids', async () => {
  const { lines, observer } = logging()
  await run(orders, Target, { Leaf: 1 }, { observers: [observer] })
  for (const line of lines) expect(line).not.toHaveProperty('trace_id')
})
