import { expect, test } from 'vitest'
import { dataType, durableStep, graph, step, type } from '../../src/index.ts'
import type { DurableContext } from '../../src/index.ts'
import { atEveryCommit, createTestDocket } from '../../src/testing/index.ts'
import type { TestDocket } from '../../src/testing/index.ts'

const Page = dataType('Page', type<string>())
const Words = dataType('Words', type<number>())
const Report = dataType('Report', type<string>())
const Printed = dataType('Printed', type<string>())
const Turn = dataType('Turn', type<number>())

const headersSeen: unknown[] = []
const pages = graph({
  name: 'pages',
  steps: [
    durableStep({
      name: 'Count',
      inputs: { page: Page },
      output: Words,
      run: async ({ page }, ctx) => {
        headersSeen.push(ctx.headers)
        await ctx.sleep('10h')
        return page.length
      },
    }),
  ],
})

/** A function that begins anew as often as its turn says, and starts children in each generation. */
function reportsOf(run: (turn: number, ctx: DurableContext) => Promise<string>, print: () => string = () => 'printed') {
  const write = durableStep({
    name: 'Write',
    inputs: { turn: Turn },
    output: Report,
    run: async ({ turn }, ctx) => {
      const made = await run(turn, ctx)
      return turn > 0 ? ctx.continueAsNew({ turn: turn - 1 }) : made
    },
  })
  const printer = step({ name: 'Print', inputs: { report: Report }, output: Printed, run: print })
  return graph({ name: 'reports', steps: [write, printer] })
}

async function childrenOf(docket: TestDocket, id: string) {
  const { executions } = await docket.list({ parent: id })
  return executions.map((child) => `${child.id} ${child.status}`).sort()
}

const startsOne = async (turn: number, ctx: DurableContext): Promise<string> => {
  await ctx.start(pages, Words, { Page: 'abc' })
  if (turn === 0) await ctx.sleep('1h')
  return 'written'
}

test('each generation has children of its own, which have the headers and the deadline of their parent', async () => {
  const reports = reportsOf(startsOne)
  await using docket = createTestDocket({ graphs: [reports, pages] })
  const deadline = new Date('2000-01-02T00:00:00Z')
  headersSeen.length = 0
  await docket.start(reports, Report, { Turn: 1 }, { id: 'r', headers: { for: 'Ada' }, deadline })
  await docket.advance('1m')
  const { executions } = await docket.list({ parent: 'r' })
  expect(executions.map((child) => child.id).sort()).toEqual(['r/Write/1/pages', 'r/Write/pages'])
  expect(executions.map((child) => child.deadline)).toEqual([deadline, deadline])
  expect(headersSeen).toEqual([{ for: 'Ada' }, { for: 'Ada' }])
})

test.each(['1s', '30m'])('a parent that is cancelled after %s cancels those of all generations', async (pause) => {
  const reports = reportsOf(startsOne)
  await using docket = createTestDocket({ graphs: [reports, pages] })
  const handle = await docket.start(reports, Report, { Turn: 2 }, { id: 'r' })
  await docket.advance(pause)
  await handle.cancel()
  expect(await childrenOf(docket, 'r')).toEqual([
    'r/Write/1/pages cancelled',
    'r/Write/2/pages cancelled',
    'r/Write/pages cancelled',
  ])
})

test('a function that fails in a later generation cancels those of all, also where its process died', async () => {
  const reports = reportsOf(async (turn, ctx) => {
    const made = await startsOne(turn, ctx)
    if (turn === 0) throw new Error('no paper')
    return made
  })
  for (const dies of [false, true]) {
    await using docket = createTestDocket({ graphs: [reports, pages] })
    const handle = await docket.start(reports, Report, { Turn: 1 }, { id: 'r' })
    await docket.advance('1m')
    if (dies) await docket.restart()
    await expect(handle.result()).rejects.toThrow('no paper')
    expect(await childrenOf(docket, 'r')).toEqual(['r/Write/1/pages cancelled', 'r/Write/pages cancelled'])
  }
})

test('what a function has left is cancelled where its execution fails after it, or is cancelled then', async () => {
  const failing = reportsOf(startsOne, () => {
    throw new Error('no paper')
  })
  await using docket = createTestDocket({ graphs: [failing, pages] })
  await expect(docket.execute(failing, Printed, { Turn: 0 }, { id: 'r' })).rejects.toThrow('no paper')
  expect(await childrenOf(docket, 'r')).toEqual(['r/Write/pages cancelled'])
})

test('an execution that has the id of a deleted one spares the children which that has left', async () => {
  const leaving = reportsOf(async (_, ctx) => (await ctx.start(pages, Words, { Page: 'abc' })).id)
  const failing = reportsOf(() => Promise.reject(new Error('no paper')))
  await using docket = createTestDocket({ graphs: [leaving, pages] })
  await docket.execute(leaving, Report, { Turn: 0 }, { id: 'r' })
  await docket.delete('r')
  await docket.advance('1m')
  await docket.restart({ graphs: [failing, pages] })
  await expect(docket.execute(failing, Report, { Turn: 0 }, { id: 'r' })).rejects.toThrow('no paper')
  expect(await childrenOf(docket, 'r')).toEqual(['r/Write/pages waiting'])
})

test('to begin anew is an end for those of which onParentEnd says something, wherever a process dies', async () => {
  const reports = reportsOf(async (turn, ctx) => {
    if (turn === 0) return 'written'
    for (const onParentEnd of ['cancel', 'wait', 'leave'] as const)
      await ctx.start(pages, Words, { Page: onParentEnd }, { onParentEnd })
    return 'not yet'
  })
  const tried = await atEveryCommit({ graphs: [reports, pages], limit: 30 }, async (docket) => {
    const handle = await docket.start(reports, Report, { Turn: 1 }, { id: 'r' })
    const result = await handle.result()
    await docket.advance('10h')
    return [result, await childrenOf(docket, 'r')]
  })
  expect(tried.commits.length).toBeGreaterThan(8)
  await using docket = createTestDocket({ graphs: [reports, pages] })
  const handle = await docket.start(reports, Report, { Turn: 1 }, { id: 'r' })
  await docket.advance('1h')
  expect((await handle.details()).status).toBe('waiting')
  expect(await handle.result()).toBe('written')
  expect(await childrenOf(docket, 'r')).toEqual([
    'r/Write/pages cancelled',
    'r/Write/pages#2 completed',
    'r/Write/pages#3 completed',
  ])
})

test('each generation has an idempotency key of its own, which is the same whenever it runs again', async () => {
  const keys: [generation: number, key: string][] = []
  const reports = reportsOf(async (_, ctx) => {
    keys.push([ctx.generation, ctx.idempotencyKey])
    await ctx.sleep('1d')
    keys.push([ctx.generation, ctx.idempotencyKey])
    return 'written'
  })
  await using docket = createTestDocket({ graphs: [reports] })
  await docket.execute(reports, Report, { Turn: 2 }, { id: 'r' })
  const byGeneration = Map.groupBy(keys, ([generation]) => generation)
  const distinct = [...byGeneration.values()].map((some) => [...new Set(some.map(([, key]) => key))])
  expect(distinct.map((some) => some.length)).toEqual([1, 1, 1])
  expect(new Set(distinct.flat()).size).toBe(3)
})
