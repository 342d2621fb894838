import { AsyncLocalStorage } from 'node:async_hooks'
import { createActor, toPromise } from 'xstate'
import { describe, expect, test } from 'vitest'
import {
  createDocket,
  dataType,
  execute,
  executeBatch,
  fromGraph,
  graph,
  step,
  streamBatch,
  type,
} from '../../../src/index.ts'
import type { AnyGraph, ExecutionEvent } from '../../../src/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { flush, VirtualClock } from '../../../src/testing/virtual-clock.ts'

const tenant = new AsyncLocalStorage<string>()
const User = dataType('User', type<string>())
const Out = dataType('Out', type<string>())
const After = dataType('After', type<string>())
const users = ['u0', 'u1', 'u2', 'u3']

/** Whose context each call of user code saw: pairs of who it worked for and what it found. */
type Seen = (readonly [user: string, place: string, found: string | undefined])[]

function note(seen: Seen, user: string, place: string): void {
  seen.push([user, place, tenant.getStore()])
}

function strangers(seen: Seen): Seen {
  return seen.filter(([user, , found]) => found !== user)
}

/** A step whose first attempt fails or times out, one at a time, with a fallback, and a step after it. */
function everyPlace(seen: Seen, clock: VirtualClock): AnyGraph {
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.setTimeout(resolve, ms))
  const flaky = step({
    name: 'Flaky',
    inputs: { user: User },
    output: Out,
    concurrency: {
      limit: 1,
      key: ({ user }) => {
        note(seen, user, 'concurrency.key')
        return 'one for all'
      },
    },
    timeout: '5s',
    retry: {
      maxAttempts: 3,
      backoff: () => '10ms',
      retryIf: () => true,
    },
    fallback: (_error: unknown, { user }: { readonly user: string }) => {
      note(seen, user, 'fallback')
      return user
    },
    run: async ({ user }, { attempt, signal }) => {
      note(seen, user, `attempt ${attempt}`)
      signal.addEventListener('abort', () => note(seen, user, 'abort'))
      await pause(2)
      note(seen, user, `attempt ${attempt}, later`)
      if (attempt === 2) await new Promise(() => {})
      throw new Error('again')
    },
  })
  const after = step({
    name: 'After',
    inputs: { out: Out, user: User },
    output: After,
    run: ({ user }) => {
      note(seen, user, 'a later step')
      return user
    },
  })
  return graph({ name: 'every-place', steps: [flaky, after] })
}

function* sourceOf(seen: Seen, user: string): Generator<{ readonly User: string }> {
  for (let i = 0; i < 3; i++) {
    note(seen, user, 'source')
    yield { User: user }
  }
}

async function collected(stream: AsyncIterable<unknown>): Promise<readonly unknown[]> {
  const values: unknown[] = []
  for await (const value of stream) values.push(value)
  return values
}

/** A step whose result all that ask share, and one after it that each call runs for itself. */
function sharedThenOwn(name: string, seen: Seen, clock: VirtualClock) {
  const shared = step({
    name,
    output: Out,
    persist: 'global',
    run: () => new Promise<string>((resolve) => void clock.setTimeout(() => resolve('shared'), 10)),
  })
  const after = step({
    name: 'After',
    inputs: { out: Out, user: User },
    output: After,
    run: ({ user }) => {
      note(seen, user, 'after')
      return user
    },
  })
  return graph({ name, steps: [shared, after] })
}

const places = [
  'a later step',
  'abort',
  'attempt 1',
  'attempt 1, later',
  'attempt 2',
  'attempt 2, later',
  'attempt 3',
  'attempt 3, later',
  'concurrency.key',
  'fallback',
]

function placesIn(seen: Seen): readonly string[] {
  return [...new Set(seen.map(([, place]) => place))].sort()
}

describe('user code sees the async context of the call that it works for', () => {
  test('in attempts, slots, backoffs, time-outs, fallbacks, later steps and observers of `execute`', async () => {
    const seen: Seen = []
    const clock = new VirtualClock()
    const users4 = everyPlace(seen, clock)
    const calls = users.map((user) =>
      tenant.run(user, () =>
        execute(users4, After, { User: user } as never, {
          clock,
          observers: [({ type: event }: ExecutionEvent) => note(seen, user, event)],
        }),
      ),
    )
    expect(await clock.settle(Promise.all(calls))).toEqual(users)
    expect(strangers(seen)).toEqual([])
    expect(placesIn(seen)).toEqual(
      expect.arrayContaining([...places, 'retry.scheduled', 'attempt.failed', 'execution.ended']),
    )
  })

  test('in retryIf and backoff, after a time-out too', async () => {
    const seen: Seen = []
    const clock = new VirtualClock()
    const calls = users.map((user) => {
      const hangs = step({
        name: 'Hangs',
        output: Out,
        timeout: '1s',
        retry: {
          maxAttempts: 3,
          retryIf: () => {
            note(seen, user, 'retryIf')
            return true
          },
          backoff: () => {
            note(seen, user, 'backoff')
            return '5s'
          },
        },
        fallback: user,
        run: () => new Promise<string>(() => {}),
      })
      return tenant.run(user, () => execute(graph({ name: 'hangs', steps: [hangs] }), Out, {}, { clock }))
    })
    await clock.settle(Promise.all(calls))
    expect(strangers(seen)).toEqual([])
    expect(seen).toHaveLength(users.length * 4)
  })

  test('of those that wait for an equal call, whose outcome leads on to their own later steps', async () => {
    const seen: Seen = []
    const clock = new VirtualClock()
    const g = sharedThenOwn('Shared', seen, clock)
    const calls = users.map((user) => tenant.run(user, () => execute(g, After, { User: user }, { clock })))
    await clock.settle(Promise.all(calls))
    expect(seen.map(([user]) => user).sort()).toEqual(users)
    expect(strangers(seen)).toEqual([])
  })

  test('when the one that made the result was cancelled, and another took over what was running', async () => {
    const seen: Seen = []
    const clock = new VirtualClock()
    const controller = new AbortController()
    const g = sharedThenOwn('Moved', seen, clock)
    const [first, ...others] = users.map((user) =>
      tenant.run(user, () =>
        execute(g, After, { User: user }, { clock, ...(user === 'u0' && { signal: controller.signal }) }),
      ),
    )
    const failed = expect(first).rejects.toThrow('cancelled')
    await flush()
    tenant.run('who cancels', () => controller.abort())
    await clock.settle(Promise.all(others))
    await failed
    expect(seen.map(([user]) => user).sort()).toEqual(['u1', 'u2', 'u3'])
    expect(strangers(seen)).toEqual([])
  })

  test('in listeners of ctx.signal, whoever cancels', async () => {
    const seen: Seen = []
    const controller = new AbortController()
    const waits = step({
      name: 'Waits',
      inputs: { user: User },
      output: Out,
      run: ({ user }, { signal }) =>
        new Promise<string>(() => signal.addEventListener('abort', () => note(seen, user, 'abort'))),
    })
    const g = graph({ name: 'cancelled', steps: [waits] })
    const { signal } = controller
    const calls = users.map((user) => tenant.run(user, () => execute(g, Out, { User: user }, { signal })))
    tenant.run('who cancels', () => controller.abort())
    await Promise.allSettled(calls)
    expect(seen).toHaveLength(users.length)
    expect(strangers(seen)).toEqual([])
  })

  test('in items of batches and streams, and in their sources', async () => {
    const seen: Seen = []
    const clock = new VirtualClock()
    const g = everyPlace(seen, clock)
    const batches = users.map((user) =>
      tenant.run(user, () =>
        executeBatch(g, After, [{ User: user }, { User: user }] as never, { clock, concurrency: 1 }),
      ),
    )
    await clock.settle(Promise.all(batches))
    const streams = users.map((user) =>
      tenant.run(user, () => {
        return streamBatch(g, After, sourceOf(seen, user) as never, { clock, concurrency: 1 })
      }),
    )
    // Taken by somebody else.
    const taken = tenant.run('a consumer', () => Promise.all(streams.map(collected)))
    await clock.settle(taken)
    expect(strangers(seen)).toEqual([])
    expect(placesIn(seen)).toEqual([...places, 'source'].sort())
  })

  test('in actors: that of their start', async () => {
    const seen: Seen = []
    const clock = new VirtualClock()
    const logic = fromGraph(everyPlace(seen, clock), After as never)
    const actors = users.map((user) => createActor(logic, { input: { User: user } as never, clock }))
    for (const [index, actor] of actors.entries()) tenant.run(users[index]!, () => actor.start())
    await clock.settle(Promise.all(actors.map((actor) => toPromise(actor))))
    expect(strangers(seen)).toEqual([])
    expect(placesIn(seen)).toEqual(places)
  })

  test('in durable executions and batches', async () => {
    const seen: Seen = []
    const clock = new VirtualClock()
    const g = everyPlace(seen, clock)
    const docket = createDocket({ graphs: [g], store: memoryStore({ now: () => clock.now() }), clock })
    const calls = users.map((user) =>
      tenant.run(user, () => docket.execute(g, After as never, { User: user } as never)),
    )
    await clock.settle(Promise.all(calls))
    const batches = users.map((user) =>
      tenant.run(user, async () => (await docket.startBatch(g, After as never, [{ User: user }] as never)).result()),
    )
    await clock.settle(Promise.all(batches))
    expect(strangers(seen)).toEqual([])
    expect(placesIn(seen)).toEqual(places)
    await clock.settle(docket.close())
  })
})

test('what is taken over from another process sees no context: neither that of createDocket nor that of resume', async () => {
  const found: (string | undefined)[] = []
  const clock = new VirtualClock()
  const store = memoryStore({ now: () => clock.now() })
  const waits = step({
    name: 'Waits',
    inputs: { user: User },
    output: Out,
    persist: 'execution',
    run: async ({ user }) => {
      found.push(tenant.getStore())
      await new Promise<void>((resolve) => void clock.setTimeout(resolve, 1_000))
      return user
    },
  })
  const g = graph({ name: 'taken-over', steps: [waits] })
  const open = () => createDocket({ graphs: [g], store, clock })
  const first = tenant.run('who creates', open)
  const started = tenant.run('u0', () => first.start(g, Out, { User: 'u0' }, { id: 'one' }))
  await clock.settle(started)
  const second = tenant.run('who creates', open)
  await clock.settle(first.close({ deadline: 1 }))
  await clock.settle(tenant.run('who resumes', () => second.resume()))
  await clock.settle((await clock.settle(second.get('one')))!.result())
  expect(found).toEqual(['u0', undefined])
  await clock.settle(second.close())
})

test('the timer that all calls share keeps no call’s context', async () => {
  const armedIn: (string | undefined)[] = []
  const clock = new VirtualClock()
  const watched = {
    now: () => clock.now(),
    setTimeout: (handler: () => void, ms: number) => {
      armedIn.push(tenant.getStore())
      return clock.setTimeout(handler, ms)
    },
    clearTimeout: (handle: never) => clock.clearTimeout(handle),
  }
  const hangs = step({
    name: 'Hangs',
    output: Out,
    timeout: '1s',
    fallback: 'none',
    run: () => new Promise<string>(() => {}),
  })
  const g = graph({ name: 'armed', steps: [hangs] })
  await clock.settle(tenant.run('u0', () => execute(g, Out, {}, { clock: watched })))
  expect(armedIn.length).toBeGreaterThan(0)
  expect(armedIn.filter((found) => found !== undefined)).toEqual([])
})

test('calls of a store for several executions are made in the async context of none of them', async () => {
  const store = memoryStore()
  const found: (string | undefined)[] = []
  const { commit, create } = store
  store.create = (...args) => {
    found.push(tenant.getStore())
    return create.apply(store, args)
  }
  store.commit = (...args) => {
    found.push(tenant.getStore())
    return commit.apply(store, args)
  }
  const greet = step({
    name: 'Greet',
    inputs: { user: User },
    output: Out,
    persist: 'execution',
    run: ({ user }) => user,
  })
  const g = graph({ name: 'greetings', steps: [greet] })
  await using docket = createDocket({ graphs: [g], store })
  const run = (user: string): Promise<string> => tenant.run(user, () => docket.execute(g, Out, { User: user }))
  expect(await Promise.all(users.map(run))).toEqual(users)
  expect(found.length).toBeGreaterThan(1)
  expect(found.filter((user) => user !== undefined)).toEqual([])
})
