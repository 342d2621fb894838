import { context, ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace'
import type { Sampler } from '@opentelemetry/sdk-trace'
import { fromPromise, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { graph, machineStep, step } from '../../src/index.ts'
import { World } from '../durable/durable-time.ts'
import { expectNoUnhandledErrors, number, rejectionOf } from '../loose-api.ts'
import { activeSpan, tracing } from './tracing.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Middle = number('Middle')
const Target = number('Target')

/** A caller whose own span is active, and sampled: what works for it must not be taken for its child. */
const caller = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED }

function called<Value>(call: () => Value): Value {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, caller), call)
}

/** A step that has to be undone, and one that fails; what is active while it is undone. */
function undone() {
  const active: ReturnType<typeof activeSpan>[] = []
  const note = async (): Promise<void> => {
    active.push(activeSpan())
    await Promise.resolve()
    active.push(activeSpan())
  }
  const made = graph({
    name: 'undone',
    steps: [
      step({ name: 'Pay', inputs: { leaf: Leaf }, output: Middle, run: ({ leaf }) => leaf, compensate: note }),
      step({
        name: 'Fail',
        inputs: { middle: Middle },
        output: Target,
        run: (): number => {
          throw new Error('no')
        },
      }),
    ],
  })
  return { made, active }
}

/** A machine that waits for two seconds, and then invokes what notes which span is active. */
function waiting() {
  const active: ReturnType<typeof activeSpan>[] = []
  const machine = setup({
    actors: {
      work: fromPromise(async () => {
        active.push(activeSpan())
        await Promise.resolve()
        active.push(activeSpan())
      }),
    },
    actions: { note: () => void active.push(activeSpan()) },
  }).createMachine({
    initial: 'waits',
    states: {
      waits: { after: { 2_000: 'works' } },
      works: { entry: 'note', invoke: { src: 'work', onDone: 'done' } },
      done: { entry: 'note', type: 'final' },
    },
    output: 7,
  })
  const made = graph({ name: 'waiting', steps: [machineStep({ name: 'Machine', machine, output: Target })] })
  return { made, active }
}

async function undo(sampler?: Sampler) {
  const world = new World()
  const { observers, ...traced } = tracing(sampler)
  const { made, active } = undone()
  const docket = world.process({ graphs: [made], observers })
  await rejectionOf(world.clock.settle(called(() => docket.execute(made, Target, { Leaf: 1 }, { id: 'a' }))))
  return { ...traced, active }
}

async function waitAndWork(sampler?: Sampler) {
  const world = new World()
  const { observers, ...traced } = tracing(sampler)
  const { made, active } = waiting()
  const docket = world.process({ graphs: [made], observers })
  const handle = await world.clock.settle(called(() => docket.start(made, Target, {}, { id: 'a' })))
  await world.clock.advance(2_000)
  expect(await world.clock.settle(handle.result())).toBe(7)
  return { ...traced, active }
}

describe('the span that is active', () => {
  test('where a step is undone is that of its undoing', async () => {
    const { active, one } = await undo()
    const { spanId } = one('undo Pay').spanContext()
    expect(active.map((span) => span?.spanId)).toEqual([spanId, spanId])
  })

  test('where a machine works after it has waited is that of its attempt', async () => {
    const { active, one } = await waitAndWork()
    const { spanId } = one('Machine').spanContext()
    expect(active.map((span) => span?.spanId)).toEqual([spanId, spanId, spanId, spanId])
  })

  test.each([
    ['is undone', undo, 2],
    ['works after it has waited', waitAndWork, 4],
  ] as const)(
    'where a step %s says that its execution is not sampled, whatever its caller was',
    async (_, act, times) => {
      const { active, spans } = await act(new AlwaysOffSampler())
      expect(spans()).toEqual([])
      expect(active).toHaveLength(times)
      for (const span of active) {
        expect(span?.traceFlags).toBe(TraceFlags.NONE)
        expect(span?.traceId).not.toBe(caller.traceId)
      }
    },
  )

  test('where a process goes on with what another one began is that of its own', async () => {
    const world = new World()
    const { observers, named } = tracing()
    const { made, active } = waiting()
    const first = world.mortal({ graphs: [made], observers })
    await world.clock.settle(called(() => first.docket.start(made, Target, {}, { id: 'a' })))
    first.die()
    const docket = world.process({ graphs: [made], observers })
    await world.clock.advance(120_000)
    expect(await world.clock.settle((await docket.get('a'))!.result())).toBe(7)
    const { spanId } = named('Machine').at(-1)!.spanContext()
    // The first process has not heard of its death at once.
    expect(active.slice(-4).map((span) => span?.spanId)).toEqual([spanId, spanId, spanId, spanId])
  })
})
