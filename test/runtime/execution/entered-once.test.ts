import { AsyncLocalStorage } from 'node:async_hooks'
import { dataType, execute, executeBatch, graph, step, type } from 'docket'
import type { Observer } from 'docket'
import { expect, test } from 'vitest'

const A = dataType('A', type<number>())
const B = dataType('B', type<number>())
const C = dataType('C', type<number>())

const [storage, callers] = [new AsyncLocalStorage<string>(), new AsyncLocalStorage<string>()]

/** An observer that stands around attempts, and what it was called for. */
function standing(entersOnce: boolean): { readonly observer: Observer; readonly calls: string[] } {
  const calls: string[] = []
  const observer: Observer = {
    next: () => {},
    observe: () => ({
      entersOnce,
      within: ({ step: name }, begin) => {
        calls.push(name)
        storage.run(`for ${name}`, begin)
      },
    }),
  }
  return { observer, calls }
}

/** Two steps, of which the first is tried twice, and what each of their attempts sees. */
function chain(): { readonly graph: ReturnType<typeof made>; readonly seen: (string | undefined)[][] } {
  const seen: (string | undefined)[][] = []
  return { graph: made(seen), seen }
}

function made(seen: (string | undefined)[][]) {
  const look = async (name: string): Promise<void> => {
    await undefined
    seen.push([name, storage.getStore(), callers.getStore()])
  }
  let tries = 0
  return graph({
    name: 'chain',
    steps: [
      step({
        name: 'First',
        inputs: { a: A },
        output: B,
        retry: { maxAttempts: 2 },
        run: async ({ a }) => {
          await look('First')
          if (++tries === 1) throw new Error('once')
          return a
        },
      }),
      step({
        name: 'Second',
        inputs: { b: B },
        output: C,
        run: async ({ b }) => {
          await look('Second')
          return b
        },
      }),
    ],
  })
}

test('an observer that enters once is called for the first attempt; all attempts are in that context, and in that of the call', async () => {
  const [{ observer, calls }, { graph: one, seen }] = [standing(true), chain()]
  await callers.run('caller', () => execute(one, C, { A: 1 }, { observers: [observer] }))
  expect(calls).toEqual(['First'])
  expect(seen).toEqual([
    ['First', 'for First', 'caller'],
    ['First', 'for First', 'caller'],
    ['Second', 'for First', 'caller'],
  ])
  expect(storage.getStore()).toBeUndefined()
})

test('where another one stands around each attempt, all of them do', async () => {
  const [once, each, { graph: one, seen }] = [standing(true), standing(false), chain()]
  await execute(one, C, { A: 1 }, { observers: [once.observer, each.observer] })
  expect(once.calls).toEqual(['First', 'First', 'Second'])
  expect(each.calls).toEqual(once.calls)
  expect(seen.map(([, store]) => store)).toEqual(['for First', 'for First', 'for Second'])
})

test('items of a batch keep contexts of their own: what belongs to one is not seen by another', async () => {
  const [{ observer, calls }, items] = [standing(true), [1, 2, 3]]
  const seen: (string | undefined)[] = []
  const B2 = step({
    name: 'Make',
    inputs: { a: A },
    output: B,
    run: async ({ a }) => {
      await undefined
      seen.push(`${a}: ${storage.getStore()}`)
      return a
    },
  })
  expect(
    await executeBatch(
      graph({ name: 'items', steps: [B2] }),
      B,
      items.map((a) => ({ A: a })),
      { observers: [observer] },
    ),
  ).toEqual(items)
  expect(calls).toEqual(['Make', 'Make', 'Make'])
  expect(seen).toEqual(items.map((a) => `${a}: for Make`))
})

test('one that throws, or never begins, leaves attempts in the context of the call', async () => {
  for (const within of [
    () => {
      throw new Error('an observer’s mistake')
    },
    () => {},
  ]) {
    const { graph: one, seen } = chain()
    const observer: Observer = { next: () => {}, observe: () => ({ entersOnce: true, within }) }
    await callers.run('caller', () => execute(one, C, { A: 1 }, { observers: [observer] }))
    expect(seen).toEqual([
      ['First', undefined, 'caller'],
      ['First', undefined, 'caller'],
      ['Second', undefined, 'caller'],
    ])
  }
})
