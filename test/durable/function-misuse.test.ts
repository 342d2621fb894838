import { AsyncLocalStorage } from 'node:async_hooks'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createDocket, dataType, durableStep, fixed, graph, SerializationError, update } from '../../src/index.ts'
import type { DurableContext } from '../../src/index.ts'
import { createTestDocket, VirtualClock } from '../../src/testing/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'

const Seed = dataType('Seed', z.string())
const Out = dataType('Out', z.string())
const Note = dataType('Note', z.string())
const Notes = dataType('Notes', z.object({ all: z.array(z.string()) }))
const Ask = update('Ask', { input: z.object({ n: z.number() }), output: z.string() })

type Context = DurableContext<unknown, typeof Ask | typeof Note, never, { seed: string }>

function functions(run: (context: Context) => unknown, more: object = {}) {
  const work = durableStep({
    name: 'Work',
    inputs: { seed: Seed },
    output: Out,
    receives: [Ask, Note],
    run: async (_, context) => String(await run(context as never)),
    ...more,
  })
  return graph({ name: 'works', steps: [work] })
}

async function started(run: (context: Context) => unknown, more: object = {}) {
  const works = functions(run, more)
  const docket = createTestDocket({ graphs: [works] })
  const handle = await docket.start(works, Out, { Seed: 'a' }, { id: 'a' })
  return { docket, handle }
}

test('branches that nobody waits for end no process when they fail', async () => {
  const { docket, handle } = await started(async (context) => {
    const open = [context.branch('a', (a) => a.sleep('1d')), context.branch('b', (b) => b.sleep('2d'))]
    await open[0]
  })
  await docket.advance('1s')
  await handle.cancel()
  await expect(handle.result()).rejects.toThrow('cancelled')
  await docket.close()
})

test('a verb within the function of a ctx.step is refused where it is called', async () => {
  const { docket, handle } = await started((context) => context.step('outer', () => context.sleep('1s')))
  await expect(handle.result()).rejects.toThrow('ctx.sleep is called within the function of a ctx.step')
  await docket.close()
})

test('a key that is used twice at once is named', async () => {
  const { docket, handle } = await started((context) =>
    Promise.all([1, 2].map((n) => context.step('s', () => n, { key: 'k' }))),
  )
  await expect(handle.result()).rejects.toThrow('with the key "k" is called again')
  await docket.close()
})

test.each([
  ['no object', 'foo', 'takes the inputs of the function'],
  ['an input too many', { seed: 'b', more: 1 }, 'the function has no input "more"'],
  ['an input too few', {}, '"seed" of the inputs is missing'],
])('ctx.continueAsNew refuses %s', async (_, inputs, message) => {
  const { docket, handle } = await started((context) => context.continueAsNew(inputs as never))
  await expect(handle.result()).rejects.toThrow(message)
  await docket.close()
})

test('a child is cancelled once, however often that is called, and a branch may have the name of a child', async () => {
  const child = graph({
    name: 'child',
    steps: [durableStep({ name: 'Long', output: Note, run: (_, context) => context.sleep('9d').then(() => 'late') })],
  })
  const works = functions(async (context) => {
    const begun = await context.start(child, Note, {})
    await Promise.all([begun.cancel(), begun.cancel()])
    const made = await context.branch('child', (branch) => branch.step('result', () => 'branch'))
    await begun.cancel()
    await context.sleep('1d')
    return made
  })
  const docket = createTestDocket({ graphs: [works, child] })
  const handle = await docket.start(works, Out, { Seed: 'a' }, { id: 'a' })
  await docket.advance('1h')
  await docket.restart()
  expect(await handle.result()).toBe('branch')
  await docket.close()
})

test.each([0, 10])('further attempts of a ctx.step, %i ms later, see the async context of the call', async (ms) => {
  const storage = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  const attempt = (): string => {
    if (seen.push(storage.getStore()) < 3) throw new Error('again')
    return 'done'
  }
  const retry = { maxAttempts: 3, backoff: fixed(ms) }
  const { docket, handle } = await started((context) =>
    storage.run('inner', () => context.step('s', attempt, { retry })),
  )
  expect(await handle.result()).toBe('done')
  expect(seen).toEqual(['inner', 'inner', 'inner'])
  await docket.close()
})

test('an answer that does not fit, or can not be stored, is none: the update can be failed', async () => {
  const refusals: unknown[] = []
  const Loose = update('Loose', { input: z.string(), output: z.any() })
  const work = durableStep({
    name: 'Work',
    output: Out,
    receives: [Ask, Loose],
    run: async (_, context) => {
      for (const type of [Ask, Loose] as const) {
        const request = await context.receive(type)
        try {
          await request.reply((type === Ask ? 42 : () => 1) as never)
        } catch (error) {
          refusals.push(error)
          await request.fail(new Error('no answer'))
        }
      }
      return 'end'
    },
  })
  const works = graph({ name: 'works', steps: [work] })
  const docket = createTestDocket({ graphs: [works] })
  const handle = await docket.start(works, Out, {}, { id: 'a' })
  await expect(handle.update(Ask, { n: 1 })).rejects.toMatchObject({ code: 'UPDATE_FAILED' })
  await expect(handle.update(Loose, 'x')).rejects.toMatchObject({ code: 'UPDATE_FAILED' })
  expect(await handle.result()).toBe('end')
  expect(refusals[1]).toBeInstanceOf(SerializationError)
  await docket.close()
})

test('validate that returns a promise refuses the update, and what it is given can not be changed', async () => {
  const Late = update('Late', {
    input: z.string(),
    output: z.string(),
    validate: (async () => {
      throw new Error('late')
    }) as never,
  })
  const Greedy = update('Greedy', {
    input: z.string(),
    output: z.string(),
    validate: (_, view) => void (view.get(Notes) as unknown as { all: string[] }).all.push('changed'),
  })
  const work = durableStep({
    name: 'Work',
    inputs: { notes: Notes },
    output: Out,
    receives: [Late, Greedy, Note],
    run: async ({ notes }, context) => {
      const message = await context.receive([Late, Greedy, Note])
      return `${message.type} ${notes.all.length}`
    },
  })
  const works = graph({ name: 'works', steps: [work] })
  const docket = createTestDocket({ graphs: [works] })
  const handle = await docket.start(works, Out, { Notes: { all: ['one'] } }, { id: 'a' })
  await expect(handle.update(Late, 'x')).rejects.toMatchObject({ code: 'UPDATE_REJECTED' })
  await expect(handle.update(Greedy, 'x')).rejects.toMatchObject({ code: 'UPDATE_REJECTED' })
  await handle.signal(Note, 'end')
  expect(await handle.result()).toBe('Note 1')
  await docket.close()
})

test('an update that a failed attempt has taken comes to the next one', async () => {
  let attempts = 0
  const run = async (context: Context): Promise<string> => {
    attempts++
    try {
      await context.step('s', () => {
        if (attempts === 1) throw new Error('first')
      })
    } catch (error) {
      await context.receive(Ask)
      throw error
    }
    const request = await context.receive(Ask)
    await request.reply(`attempt ${attempts}`)
    return 'end'
  }
  const { docket, handle } = await started(run, { retry: { maxAttempts: 2 } })
  expect(await handle.update(Ask, { n: 1 })).toBe('attempt 2')
  expect(await handle.result()).toBe('end')
  await docket.close()
})

test('a message that a failed attempt has taken after its failure comes to the next one, before others', async () => {
  let attempts = 0
  const run = async (context: Context): Promise<string> => {
    attempts++
    try {
      await context.step('s', () => {
        if (attempts === 1) throw new Error('first')
      })
    } catch (error) {
      await context.receive(Note)
      await context.sleep('1h')
      throw error
    }
    const [first, second] = [await context.receive(Note), await context.receive(Note)]
    return `${first.value} ${second.value}`
  }
  const { docket, handle } = await started(run, { retry: { maxAttempts: 2 } })
  for (const note of ['one', 'two']) await handle.signal(Note, note)
  await docket.advance('1m')
  await docket.restart()
  expect(await handle.result()).toBe('one two')
  await docket.close()
})

test('a message that came when its wait had lost, and was given to no run, comes to the next generation', async () => {
  const works = functions(async (context) => {
    const first = await Promise.race([context.sleep('3s'), context.receive(Note, { timeout: '10d' })])
    return first === undefined || first.timedOut === true
      ? context.continueAsNew({ seed: 'b' })
      : `${first.value} in generation ${context.generation}`
  })
  // Its turns are those of the event loop: what follows one outcome is through before the next is given.
  const clock = new VirtualClock()
  const store = memoryStore({ now: () => clock.now(), elapsed: () => clock.elapsed() })
  const first = createDocket({ graphs: [works], store, clock })
  await clock.settle(first.start(works, Out, { Seed: 'a' }, { id: 'a' }))
  await clock.advance(1_000)
  await clock.settle(first.close({ drain: false, deadline: 0 }))
  await clock.advance(60_000)
  const home = createDocket({ graphs: [], takeOver: false, store, clock })
  const sender = (await clock.settle(home.get('a')))!
  expect(await clock.settle(sender.signal(Note, 'kept'))).toBe('accepted')
  const heir = createDocket({ graphs: [works], store, clock })
  const handle = (await clock.settle(heir.get('a')))!
  expect(await clock.settle(handle.result())).toBe('kept in generation 1')
  for (const docket of [home, heir]) await clock.settle(docket.close())
})
