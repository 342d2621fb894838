import { createActor, toPromise } from 'xstate'
import { expect, test } from 'vitest'
import { z } from 'zod'
import {
  createDocket,
  dataType,
  event,
  eventType,
  graph,
  RefusedError,
  signal,
  step,
  subgraph,
  type,
} from '../../src/index.ts'
import type { Interceptor } from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { Approval, Greeting, greet, Letter, letters, Name, posts, recorder, Sent } from './intercepted.ts'

test('the first interceptor is the outermost, and sees a call before the second one, and its end after it', async () => {
  const lines: string[] = []
  await using docket = createTestDocket({
    graphs: [letters],
    interceptors: [recorder(lines, 'A '), recorder(lines, 'B ')],
  })
  const handle = await docket.start(letters, Letter, { Name: 'Ada' }, { id: 'one' })
  expect(lines.slice(0, 2)).toEqual([
    'A start execution of letters by call: one',
    'B start execution of letters by call: one',
  ])
  await handle.result()
  expect(lines.filter((line) => /start done/.test(line))).toEqual(['B start done', 'A start done'])
  expect(lines.filter((line) => /Greet/.test(line))).toEqual(['A step Greet 1', 'B step Greet 1'])
})

test('every way in which an execution begins passes them: start, execute, batches, actors, children, retry and fork', async () => {
  const lines: string[] = []
  let fails = true
  const shaky = step({
    name: 'Shaky',
    inputs: { greeting: Greeting },
    output: Letter,
    run: ({ greeting }) => {
      if (fails) throw new Error('not yet')
      return greeting
    },
  })
  const shakies = graph({ name: 'shakies', steps: [greet, shaky] })
  const starts: Interceptor = { start: recorder(lines).start! }
  await using docket = createTestDocket({ graphs: [letters, posts, shakies], interceptors: [starts] })
  await docket.execute(letters, Letter, { Name: 'Ada' }, { id: 'execute' })
  await (await docket.startBatch(letters, Letter, [{ Name: 'A' }, { Name: 'B' }], { id: 'batch' })).result()
  const actor = createActor(docket.logic(letters, Letter, { id: 'actor' }), { input: { Name: 'Ada' } })
  const output = toPromise(actor)
  actor.start()
  expect(await output).toBe('Hello Ada!')
  await docket.execute(posts, Sent, { Name: 'Ada' }, { id: 'post', signals: { Approval: { by: 'Bo' } } })
  await expect(docket.execute(shakies, Letter, { Name: 'Ada' }, { id: 'shaky' })).rejects.toThrow('not yet')
  fails = false
  await (await docket.retry('shaky')).result()
  await (await docket.fork('shaky', { from: 'Shaky', id: 'forked' })).result()
  expect(lines.filter((line) => line !== 'start done')).toEqual([
    'start execution of letters by call: execute',
    'start batch of letters by call: batch',
    'start execution of letters by call: actor',
    'start execution of posts by call: post',
    'start execution of letters by parent: post/letters',
    'start execution of shakies by call: shaky',
    'start execution of shakies by retry: shaky',
    'start execution of shakies by fork: forked',
  ])
})

test('an execution that is not written down passes them as well, under the id that they are given', async () => {
  const ids: string[] = []
  const plain = graph({
    name: 'plain',
    steps: [
      step({
        name: 'Id',
        inputs: { name: Name },
        output: Letter,
        run: ({ name }, ctx) => `${name} ${ctx.executionId} ${ctx.headers['tenant']}`,
      }),
    ],
  })
  await using docket = createTestDocket({
    graphs: [plain],
    interceptors: [
      {
        start: (call, next) => {
          ids.push(call.executionId)
          return next({ headers: { ...call.headers, tenant: 'acme' }, inputs: { Name: 'Bo' } })
        },
        step: (call, next) => `<${String(next())}> ${call.step}`,
      },
    ],
  })
  expect(await docket.execute(plain, Letter, { Name: 'Ada' })).toBe(`<Bo ${ids[0]} acme> Id`)
  expect((await docket.list()).executions).toEqual([])
})

test('a refused start stores nothing, and the caller gets what was thrown', async () => {
  const refusal = new RefusedError('not for Ada')
  await using docket = createTestDocket({
    graphs: [letters],
    interceptors: [
      {
        start: async (call, next) => {
          if (call.inputs?.['Name'] === 'Ada' || call.kind === 'batch') throw refusal
          await next()
        },
      },
    ],
  })
  await expect(docket.start(letters, Letter, { Name: 'Ada' }, { id: 'one' })).rejects.toBe(refusal)
  await expect(docket.execute(letters, Letter, { Name: 'Ada' })).rejects.toBe(refusal)
  await expect(docket.startBatch(letters, Letter, [{ Name: 'Bo' }])).rejects.toBe(refusal)
  const actor = createActor(docket.logic(letters, Letter), { input: { Name: 'Ada' } })
  const output = toPromise(actor)
  actor.start()
  await expect(output).rejects.toBe(refusal)
  expect((await docket.list()).executions).toEqual([])
  expect(await docket.get('one')).toBeUndefined()
  expect(await docket.execute(letters, Letter, { Name: 'Bo' })).toBe('Hello Bo!')
})

test('changed inputs are checked as those of the caller, and unknown ones are refused', async () => {
  let inputs: Record<string, unknown> = { Name: '' }
  await using docket = createTestDocket({ graphs: [letters], interceptors: [{ start: (_, next) => next({ inputs }) }] })
  await expect(docket.start(letters, Letter, { Name: 'Ada' })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  inputs = { Name: 'Bo', Nome: 'x' }
  await expect(docket.start(letters, Letter, { Name: 'Ada' })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  inputs = { Name: 'Bo' }
  expect(await (await docket.start(letters, Letter, { Name: 'Ada' }, { id: 'one' })).result()).toBe('Hello Bo!')
  // The same call is the same execution.
  expect(await (await docket.start(letters, Letter, { Name: 'Ada' }, { id: 'one' })).result()).toBe('Hello Bo!')
})

test('items of a batch, and what is given once for all, can be changed', async () => {
  await using docket = createTestDocket({
    graphs: [letters],
    interceptors: [
      { start: (call, next) => next({ items: [...(call.items ?? []), { Name: 'Di' }], headers: { tenant: 'acme' } }) },
    ],
  })
  const batch = await docket.startBatch(letters, Letter, [{ Name: 'Cy' }])
  expect(await batch.result()).toEqual(['Hello Cy of acme!', 'Hello Di of acme!'])
})

test('headers that an interceptor adds are those of the children too, also after the process has died', async () => {
  await using docket = createTestDocket({
    graphs: [posts],
    interceptors: [
      { start: (call, next) => (call.by === 'call' ? next({ headers: { ...call.headers, tenant: 'acme' } }) : next()) },
    ],
  })
  const post = await docket.start(posts, Sent, { Name: 'Ada' }, { id: 'post' })
  await docket.restart()
  await post.signal(Approval, { by: 'Bo' })
  expect(await post.result()).toBe('Hello Ada of acme! (Bo)')
})

test('a policy refuses certain child graphs: their step fails at once, however often it may be tried', async () => {
  let asks = 0
  const parents = graph({ name: 'parents', steps: [subgraph(letters, Letter, { retry: { maxAttempts: 5 } })] })
  await using docket = createTestDocket({
    graphs: [parents, letters],
    interceptors: [
      {
        start: async (call, next) => {
          if (call.by === 'parent') asks++
          if (call.parent !== undefined && call.graph === 'letters')
            throw new RefusedError(`${call.parent.executionId} may not run ${call.graph}`)
          await next()
        },
      },
    ],
  })
  await expect(docket.execute(parents, Letter, { Name: 'Ada' }, { id: 'p' })).rejects.toThrow('p may not run letters')
  expect(asks).toBe(1)
  expect((await docket.list()).executions.map(({ id }) => id)).toEqual(['p'])
})

test('inputs of a child are checked where they are changed, and only there', async () => {
  const When = dataType(
    'When',
    z.string().transform((text) => new Date(text)),
  )
  const Year = dataType('Year', type<number>())
  const year = step({
    name: 'Year',
    inputs: { when: When, name: Name },
    output: Year,
    run: ({ when, name }) => when.getUTCFullYear() + name.length,
  })
  const years = graph({ name: 'years', steps: [year] })
  const outer = graph({ name: 'outer', steps: [subgraph(years, Year)] })
  let name = 'Adam'
  await using docket = createTestDocket({
    graphs: [outer],
    interceptors: [
      { start: (call, next) => (call.by === 'parent' ? next({ inputs: { ...call.inputs, Name: name } }) : next()) },
    ],
  })
  expect(await docket.execute(outer, Year, { When: '2020-01-01', Name: 'Ada' }, { id: 'a' })).toBe(2024)
  name = ''
  await expect(docket.execute(outer, Year, { When: '2020-01-01', Name: 'Ada' }, { id: 'b' })).rejects.toThrow(
    'an interceptor changed inputs of graph "years"',
  )
})

test('a start that an interceptor lets vanish is an error, not a handle to nothing', async () => {
  await using docket = createTestDocket({ graphs: [letters], interceptors: [{ start: async () => {} }] })
  await expect(docket.start(letters, Letter, { Name: 'Ada' }, { id: 'one' })).rejects.toThrow(
    'an interceptor of start neither went on by next() nor threw: execution "one" is not started',
  )
})

test('a start whose interceptor does not wait for next has begun once its caller has the handle', async () => {
  await using docket = createTestDocket({
    graphs: [letters, posts],
    interceptors: [{ start: async (_, next) => void next(), signal: async (_, next) => (void next(), 'accepted') }],
  })
  const handle = await docket.start(letters, Letter, { Name: 'Ada' }, { id: 'one' })
  expect(await handle.result()).toBe('Hello Ada!')
  const signals = { Approval: { by: 'Bo' } }
  expect(await docket.execute(posts, Sent, { Name: 'Ada' }, { id: 'two', signals })).toBe('Hello Ada! (Bo)')
})

test('what can not be changed is refused by name', async () => {
  const change = { graph: 'others' }
  await using docket = createTestDocket({ graphs: [letters], interceptors: [{ start: (_, next) => next(change) }] })
  await expect(docket.start(letters, Letter, { Name: 'Ada' })).rejects.toThrow(
    `interceptor start: "graph" can't be changed; these can: inputs, headers`,
  )
})

test('failing after the start does not undo it', async () => {
  await using docket = createTestDocket({
    graphs: [letters],
    interceptors: [
      {
        start: async (_, next) => {
          await next()
          throw new Error('too late')
        },
      },
    ],
  })
  await expect(docket.start(letters, Letter, { Name: 'Ada' }, { id: 'one' })).rejects.toThrow('too late')
  expect(await (await docket.get('one'))!.result()).toBe('Hello Ada!')
})

test('signals pass them, with a start and within a transaction too, and a refused one is not stored', async () => {
  const lines: string[] = []
  const store = sqliteStore(':memory:')
  const refuse: Interceptor = {
    signal: async (call, next) => {
      const { by } = call.value as { by: string }
      if (by === 'Eve') throw new RefusedError('not Eve')
      return next({ value: { by: by.toUpperCase() } })
    },
  }
  await using docket = createDocket({ graphs: [posts], store, interceptors: [recorder(lines), refuse] })
  const first = await docket.start(posts, Sent, { Name: 'Ada' }, { id: 'first' })
  await expect(first.signal(Approval, { by: 'Eve' })).rejects.toThrow('not Eve')
  expect(await first.signal(Approval, { by: 'Bo' })).toBe('accepted')
  expect(await first.result()).toBe('Hello Ada! (BO)')
  const eve = docket.start(posts, Sent, { Name: 'Ada' }, { id: 'eve', signals: { Approval: { by: 'Eve' } } })
  await expect(eve).rejects.toThrow('not Eve')
  expect(await docket.get('eve')).toBeUndefined()
  const second = await docket.start(posts, Sent, { Name: 'Ada' }, { id: 'second', signals: { Approval: { by: 'Cy' } } })
  expect(await second.result()).toBe('Hello Ada! (CY)')
  expect(lines.filter((line) => line.startsWith('signal') && !line.endsWith('done'))).toEqual([
    'signal Approval',
    'signal failed: not Eve',
    'signal Approval',
    'signal Approval with start',
    'signal failed: not Eve',
    'signal Approval with start',
  ])
})

test('a changed value of a signal or an event is checked again', async () => {
  const Packed = eventType('Packed', z.object({ boxes: z.number() }))
  const Boxes = dataType('Boxes', type<number>())
  const boxes = step({ name: 'Boxes', inputs: { packed: Packed }, output: Boxes, run: ({ packed }) => packed.boxes })
  const packs = graph({ name: 'packs', steps: [event(Packed, { key: () => 'order' }), boxes] })
  let value: unknown = { boxes: 'two' }
  await using docket = createTestDocket({
    graphs: [packs, posts],
    interceptors: [{ emit: (_, next) => next({ value }), signal: (_, next) => next({ value: { by: 7 } }) }],
  })
  await expect(docket.emit(Packed, 'order', { boxes: 1 })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  value = { boxes: 2 }
  expect(await docket.emit(Packed, 'order', { boxes: 1 })).toBe('accepted')
  expect(await docket.execute(packs, Boxes, {})).toBe(2)
  const post = await docket.start(posts, Sent, { Name: 'Ada' })
  await expect(post.signal(Approval, { by: 'Bo' })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
})

test('a cancellation that is refused changes nothing; one of a parent reaches its children all the same', async () => {
  const lines: string[] = []
  const waits = graph({ name: 'waits', steps: [signal(Approval)] })
  const outer = graph({ name: 'outer', steps: [subgraph(waits, Approval)] })
  let refuses = true
  await using docket = createTestDocket({
    graphs: [outer],
    interceptors: [
      recorder(lines),
      {
        cancel: async (call, next) => {
          if (refuses || call.by === 'parent') throw new RefusedError('kept')
          await next()
        },
      },
    ],
  })
  const handle = await docket.start(outer, Approval, {}, { id: 'outer' })
  await docket.advance('1s')
  await expect(handle.cancel('why')).rejects.toThrow('kept')
  await expect(docket.cancel('outer')).rejects.toThrow('kept')
  await expect(docket.delete('outer')).rejects.toThrow('kept')
  expect((await handle.details()).status).toBe('waiting')
  refuses = false
  await handle.cancel('why')
  await docket.advance('10s')
  expect((await (await docket.get('outer/waits'))!.details()).status).toBe('cancelled')
  expect(lines.filter((line) => /^cancel .* by parent/.test(line))).toContain('cancel outer/waits by parent')
})

test("the end of a caller's signal is seen as a cancellation of what is parked, and can not be refused", async () => {
  const seen: string[] = []
  const waits = graph({ name: 'waits', steps: [signal(Approval)] })
  await using docket = createTestDocket({
    graphs: [waits],
    interceptors: [
      {
        cancel: async (call) => {
          seen.push(`${call.executionId} by ${call.by}`)
          throw new RefusedError('kept')
        },
      },
    ],
  })
  const caller = new AbortController()
  const handle = await docket.start(waits, Approval, {}, { id: 'one', signal: caller.signal })
  await docket.advance('1m')
  expect((await docket.store.get(['one']))[0]?.parkedAt).toBeDefined()
  caller.abort(new Error('gone'))
  await docket.advance('1m')
  expect(seen).toEqual(['one by signal'])
  expect((await handle.details()).status).toBe('cancelled')
})

test('an interceptor may be an instance of a class, with fields of its own', async () => {
  class Counter {
    count = 0
    readonly describe = () => `${this.count} steps`
    step(_: unknown, next: () => unknown): unknown {
      this.count++
      return next()
    }
  }
  const counter = new Counter()
  await using docket = createTestDocket({ graphs: [letters], interceptors: [counter] })
  await docket.execute(letters, Letter, { Name: 'Ada' })
  expect(counter.describe()).toBe('2 steps')
})

test('wrong interceptors are refused when the docket is made', () => {
  const store = memoryStore()
  const made = (interceptors: unknown) => () =>
    createDocket({ graphs: [letters], store, interceptors: interceptors as never })
  expect(made({})).toThrow('interceptors must be an array, not ')
  expect(made([7])).toThrow('interceptors[0] must be an object of functions, not 7')
  expect(made([{ step: 'x' }])).toThrow('interceptors[0]: step must be a function')
  expect(made([{ steps: () => {} }])).toThrow('interceptors[0] has the unknown hook "steps"')
  expect(made([{}])).toThrow('interceptors[0] has none of the hooks start, step')
})
