import { afterEach, describe, expect, test, vi } from 'vitest'
import { createDocket, dataType, execute, optional, step, StepError } from '../../src/index.ts'
import { fromGraph, streamBatch } from '../../src/index.ts'
import { createActor } from 'xstate'
import { memoryStore } from '../../stores/memory/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { expectNoUnhandledErrors, graphOf, number, rejectionOf, run, runBatch, uniqueName } from '../loose-api.ts'
import { hostile, thrownValues } from '../hostile-values.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

expectNoUnhandledErrors()

afterEach(() => void vi.restoreAllMocks())

const Leaf = number('Leaf')
const Out = number('Out')

const raise = (thrown: unknown) => (): never => {
  throw thrown
}

/** Whether an error is there, and its cause the very thing that was thrown. */
function expectCause(error: unknown, thrown: unknown): void {
  expect(error instanceof StepError).toBe(true)
  expect(Object.is((error as StepError).cause, thrown)).toBe(true)
  expect(typeof (error as StepError).message).toBe('string')
}

describe.each(thrownValues)('%s', (_, make) => {
  test('thrown by run, at once or later, in every attempt, is the cause of the step’s error', async () => {
    for (const fail of [raise, (thrown: unknown) => () => Promise.reject(thrown as Error)]) {
      const thrown = make()
      const graph = graphOf([
        step({ name: 's', output: Out, retry: { maxAttempts: 2, retryIf: () => true }, run: fail(thrown) as never }),
      ])
      expectCause(await rejectionOf(run(graph, Out)), thrown)
    }
  })

  test('thrown by retryIf, backoff or fallback is the policyError', async () => {
    for (const policy of [
      { retry: { maxAttempts: 2, retryIf: raise(make()) } },
      { retry: { maxAttempts: 2, backoff: raise(make()) } },
      { fallback: raise(make()) },
    ]) {
      const cause = new Error('first')
      const graph = graphOf([step({ name: 's', output: Out, run: raise(cause), ...policy } as never)])
      expectCause(await rejectionOf(run(graph, Out)), cause)
    }
  })

  test('thrown by a concurrency key or a schema fails the step', async () => {
    const key = graphOf([
      step({ name: 's', output: Out, concurrency: { limit: 1, key: raise(make()) }, run: () => 1 } as never),
    ])
    expect(await rejectionOf(run(key, Out))).toBeInstanceOf(StepError)
    for (const validate of [raise(make()), () => Promise.reject(make() as Error)]) {
      const Checked = dataType('Checked', { '~standard': { version: 1, vendor: 'test', validate } } as never)
      const graph = graphOf([step({ name: 's', output: Checked, run: () => 1 } as never)])
      expect(await rejectionOf(run(graph, Checked))).toBeInstanceOf(StepError)
    }
  })

  test('thrown by an observer or a logger changes nothing', async () => {
    vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
    for (const observer of [raise(make()), () => Promise.reject(make() as Error)]) {
      const graph = graphOf([step({ name: 's', output: Out, run: () => 1 })])
      expect(await run(graph, Out, {}, { observers: [observer] })).toBe(1)
    }
    const fail = raise(make())
    const logger = { debug: fail, info: fail, warn: fail, error: fail, child: fail }
    const graph = graphOf([step({ name: 's', output: Out, run: () => 1 })])
    expect(await run(graph, Out, {}, { logger })).toBe(1)
  })

  test('as a signal’s reason cancels', async () => {
    const graph = graphOf([step({ name: 's', output: Out, run: () => new Promise<number>(() => {}) })])
    const controller = new AbortController()
    const cancelled = rejectionOf(run(graph, Out, {}, { signal: controller.signal }))
    controller.abort(make())
    expect(await cancelled).toMatchObject({ code: 'EXECUTION_CANCELLED' })
  })

  test('thrown in a batch is the item’s failure, and by the source of a stream the stream’s', async () => {
    const thrown = make()
    const graph = graphOf([step({ name: 's', inputs: { leaf: Leaf }, output: Out, run: raise(thrown) as never })])
    const [outcome] = await runBatch(graph, Out, [{ Leaf: 1 }], { onError: 'collect' })
    expectCause((outcome as { error: unknown }).error, thrown)
    const source = async function* (): AsyncGenerator<{ Leaf: number }> {
      yield { Leaf: 1 }
      await Promise.resolve()
      throw make()
    }
    const stream = streamBatch(graph as never, Out as never, source() as never, { onError: 'collect' })
    const read = async (): Promise<void> => {
      for await (const each of stream as AsyncIterable<unknown>) void each
    }
    expect(await rejectionOf(read())).toMatchObject({ code: 'INPUT_INVALID' })
  })

  test('thrown by an optional step leaves its value undefined', async () => {
    const Part = number('Part')
    const graph = graphOf([
      step({ name: 'part', output: Part, run: raise(make()) as never }),
      step({
        name: 's',
        inputs: { part: optional(Part) },
        output: Out,
        run: ({ part }) => (part === undefined ? 1 : 2),
      }),
    ])
    expect(await run(graph, Out)).toBe(1)
  })

  test('thrown in an actor is the snapshot’s error, and survives being persisted', async () => {
    const graph = graphOf([step({ name: 's', output: Out, run: raise(make()) as never })])
    const logic = fromGraph(graph as never, Out as never)
    const actor = createActor(logic as never, { input: {} } as never)
    actor.subscribe({ error: () => {} })
    actor.start()
    await vi.waitFor(() => expect(actor.getSnapshot()).toMatchObject({ status: 'error' }))
    const persisted = JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as never
    const again = createActor(logic as never, { snapshot: persisted } as never)
    again.subscribe({ error: () => {} })
    again.start()
    const { error } = again.getSnapshot() as unknown as { readonly error: unknown }
    expect(error).toBeInstanceOf(StepError)
  })

  test.each([
    ['the memory store', () => memoryStore()],
    ['SQLite', () => sqliteStore(':memory:')],
  ])('thrown in a durable execution is in the record that %s keeps', async (_name, createStore) => {
    const clock = new VirtualClock()
    const graph = graphOf([step({ name: 's', output: Out, persist: 'execution', run: raise(make()) as never })])
    await using docket = createDocket({ graphs: [graph], store: createStore(), clock } as never)
    const id = uniqueName('id')
    await clock.settle(rejectionOf(docket.execute(graph as never, Out as never, {}, { id })))
    const details = await docket.get(id).then((handle) => handle!.details())
    expect(details.status).toBe('failed')
    expect(details.error).toBeInstanceOf(StepError)
    expect(details.error).toMatchObject({ code: 'STEP_FAILED', step: 's' })
  })
})

test('an abort in the cause chain of something hostile is still found', async () => {
  const error = Object.assign(new Error('outside'), { errors: [hostile()], cause: { code: 'EXECUTION_ABORTED' } })
  const graph = graphOf([step({ name: 's', output: Out, fallback: 1, run: raise(error) } as never)])
  expect(await rejectionOf(run(graph, Out))).toBeInstanceOf(StepError)
})

test('an error with the code NON_RETRYABLE ends the retries, of whatever class it is', async () => {
  let attempts = 0
  const fail = (): never => {
    attempts++
    throw Object.assign(new Error('no'), { code: 'NON_RETRYABLE' })
  }
  const graph = graphOf([step({ name: 's', output: Out, retry: { maxAttempts: 3 }, run: fail })])
  await rejectionOf(execute(graph as never, Out as never, {}))
  expect(attempts).toBe(1)
})

test('a rejected promise for a concurrency key fails the step, and nothing else', async () => {
  const concurrency = { limit: 1, key: () => Promise.reject(new Error('later')) }
  const graph = graphOf([step({ name: 's', output: Out, concurrency, run: () => 1 } as never)])
  expect(await rejectionOf(run(graph, Out))).toMatchObject({ cause: { code: 'OPTION_INVALID' } })
})
