import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { dataType, durableStep, execute, graph, step, StepError, type } from '../../src/index.ts'
import type { DurableContext } from '../../src/index.ts'
import { atEveryCommit, createTestDocket } from '../../src/testing/index.ts'
import { World } from './durable-time.ts'

const Page = dataType('Page', z.object({ url: z.string() }))
const Words = dataType('Words', z.number())
const Report = dataType('Report', type<unknown>())
const Topic = dataType('Topic', type<string>())

const pagesOf = (count: (url: string) => unknown) =>
  graph({
    name: 'pages',
    steps: [
      durableStep({
        name: 'Count',
        inputs: { page: Page },
        output: Words,
        run: async ({ page }, ctx) => {
          await ctx.sleep('1h')
          return (await ctx.step('count', () => count(page.url))) as number
        },
      }),
    ],
  })
const pages = pagesOf((url) => url.length)

const reportsOf = (run: (ctx: DurableContext) => unknown, more: object = {}) =>
  graph({
    name: 'reports',
    steps: [
      durableStep({ name: 'Write', inputs: { topic: Topic }, output: Report, run: (_, ctx) => run(ctx), ...more }),
    ],
  })

const sum = async (ctx: DurableContext): Promise<unknown> => {
  const children = [
    await ctx.start(pages, Words, { Page: { url: 'a' } }),
    await ctx.start(pages, Words, { Page: { url: 'bb' } }),
  ]
  const counts = await Promise.all(children.map((child) => child.result()))
  const last = await ctx.execute(pages, Words, { Page: { url: 'ccc' } })
  return [counts, last, children.map(({ id }) => id)]
}

describe('a child of a durable function', () => {
  test('gives its value under execute, too', async () => {
    const quick = graph({
      name: 'quick',
      steps: [step({ name: 'Count', inputs: { page: Page }, output: Words, run: ({ page }) => page.url.length })],
    })
    const reports = reportsOf(async (ctx) => {
      const child = await ctx.start(quick, Words, { Page: { url: 'abc' } })
      return [child.id, await child.result(), await ctx.execute(quick, Words, { Page: { url: 'x' } })]
    })
    expect(await execute(reports, Report, { Topic: 't' }, { id: 'r' })).toEqual(['r/Write/quick', 3, 1])
  })

  test('is an execution of its own, of which there is one wherever a process dies', async () => {
    const reports = reportsOf(sum)
    const tried = await atEveryCommit({ graphs: [reports, pages], limit: 25 }, async (docket) => {
      const handle = await docket.start(reports, Report, { Topic: 't' }, { id: 'r' })
      const result = await handle.result()
      const { executions } = await docket.list({ parent: 'r' })
      return [result, executions.map(({ id }) => id).sort()]
    })
    expect(tried.commits.length).toBeGreaterThan(10)
    await using docket = createTestDocket({ graphs: [reports, pages] })
    expect(await docket.execute(reports, Report, { Topic: 't' }, { id: 'r' })).toEqual([
      [1, 2],
      3,
      ['r/Write/pages', 'r/Write/pages#2'],
    ])
  })

  test('that fails rejects its result with what it failed with, also when the function runs again', async () => {
    const failing = pagesOf(() => {
      throw new TypeError('no such page')
    })
    const reports = reportsOf(async (ctx) => {
      const failed = await ctx.execute(failing, Words, { Page: { url: 'a' } }).catch((error: unknown) => error)
      await ctx.sleep('3d')
      return failed instanceof StepError && failed.cause instanceof TypeError && failed.message
    })
    await using docket = createTestDocket({ graphs: [reports, failing] })
    expect(await docket.execute(reports, Report, { Topic: 't' })).toBe(
      'step "Count" failed after 1 attempt: no such page',
    )
  })

  test('is cancelled with its parent, parked or not, and left alone by one that completes', async () => {
    const waiting = reportsOf((ctx) => ctx.execute(pages, Words, { Page: { url: 'a' } }))
    const leaving = reportsOf(async (ctx) => (await ctx.start(pages, Words, { Page: { url: 'a' } })).id)
    for (const pause of ['1s', '30m'] as const) {
      await using docket = createTestDocket({ graphs: [waiting, pages] })
      const handle = await docket.start(waiting, Report, { Topic: 't' }, { id: 'r' })
      await docket.advance(pause)
      await handle.cancel()
      await handle.result().catch(() => {})
      expect((await (await docket.get('r/Write/pages'))!.details()).status).toBe('cancelled')
    }
    await using docket = createTestDocket({ graphs: [leaving, pages] })
    const id = await docket.execute(leaving, Report, { Topic: 't' })
    expect(await (await docket.get(id as string))!.result()).toBe(1)
  })

  test('goes on when its parent has completed without it, and was purged or deleted since', async () => {
    const reports = reportsOf(async (ctx) => (await ctx.start(pages, Words, { Page: { url: 'abc' } })).id)
    await using docket = createTestDocket({ graphs: [reports, pages] })
    for (const id of ['purged', 'deleted']) {
      const child = (await docket.execute(reports, Report, { Topic: 't' }, { id })) as string
      await docket.advance('1m')
      if (id === 'purged') expect(await docket.purge({ olderThan: '30s' })).toBe(1)
      else expect(await docket.delete(id)).toBe(true)
      await docket.restart()
      await docket.advance('2h')
      expect(await (await docket.get(child))!.result()).toBe(3)
    }
  })

  test('that is open when its function returns is cancelled or waited for, as onParentEnd says, wherever a process dies', async () => {
    const reports = reportsOf(async (ctx) => {
      const begin = (url: string, onParentEnd: 'cancel' | 'wait' | 'leave') =>
        ctx.start(pages, Words, { Page: { url } }, { onParentEnd })
      const ended = await begin('a', 'cancel')
      await ended.result()
      const open = [await begin('bb', 'cancel'), await begin('ccc', 'wait'), await begin('dddd', 'leave')]
      return [ended, ...open].map(({ id }) => id)
    })
    const tried = await atEveryCommit({ graphs: [reports, pages], limit: 40 }, async (docket) => {
      const handle = await docket.start(reports, Report, { Topic: 't' }, { id: 'r' })
      const ids = (await handle.result()) as string[]
      const statuses = []
      for (const id of ids) statuses.push((await (await docket.get(id))!.details()).status)
      return statuses
    })
    expect(tried.commits.length).toBeGreaterThan(10)
    await using docket = createTestDocket({ graphs: [reports, pages] })
    const ids = (await docket.execute(reports, Report, { Topic: 't' })) as string[]
    const found = await Promise.all(ids.map(async (id) => (await docket.get(id))!))
    expect((await Promise.all(found.map((child) => child.details()))).map(({ status }) => status)).toEqual([
      'completed',
      'cancelled',
      'completed',
      'completed',
    ])
  })

  test('that is waited for holds its parent until it has ended, and its failure is none of the parent', async () => {
    const failing = pagesOf(() => {
      throw new TypeError('no such page')
    })
    const reports = reportsOf(async (ctx) => {
      await ctx.start(failing, Words, { Page: { url: 'a' } }, { onParentEnd: 'wait' })
      return 'done'
    })
    await using docket = createTestDocket({ graphs: [reports, failing] })
    await docket.start(reports, Report, { Topic: 't' }, { id: 'r' })
    await docket.advance('30m')
    await docket.restart()
    expect((await (await docket.get('r'))!.details()).status).toBe('waiting')
    await docket.advance('1h')
    expect(await (await docket.get('r'))!.result()).toBe('done')
    expect((await (await docket.get('r/Write/pages'))!.details()).status).toBe('failed')
  })

  test('takes no other word for what becomes of it', async () => {
    const reports = reportsOf((ctx) =>
      ctx
        .start(pages, Words, { Page: { url: 'a' } }, { onParentEnd: 'abandon' as never })
        .catch((error: Error) => error.message),
    )
    await using docket = createTestDocket({ graphs: [reports, pages] })
    expect(await docket.execute(reports, Report, { Topic: 't' })).toContain(
      `onParentEnd must be 'leave', 'cancel', 'wait', not "abandon"`,
    )
  })

  test('is cancelled by its parent’s failure, seen in this run or not', async () => {
    const failing = reportsOf(async (ctx) => {
      await ctx.start(pages, Words, { Page: { url: 'a' } })
      await ctx.sleep('20m')
      throw new Error('enough')
    })
    await using docket = createTestDocket({ graphs: [failing, pages] })
    const handle = await docket.start(failing, Report, { Topic: 't' }, { id: 'r' })
    await expect(handle.result()).rejects.toThrow('enough')
    await docket.advance('1s')
    expect((await (await docket.get('r/Write/pages'))!.details()).status).toBe('cancelled')
  })

  test('is cancelled by the function, whose result then rejects', async () => {
    const stopping = reportsOf(async (ctx) => {
      const child = await ctx.start(pages, Words, { Page: { url: 'a' } })
      const result = child.result().catch((error: { code: string }) => error.code)
      await child.cancel('not needed')
      return result
    })
    await using docket = createTestDocket({ graphs: [stopping, pages] })
    expect(await docket.execute(stopping, Report, { Topic: 't' })).toBe('EXECUTION_CANCELLED')
    expect(await execute(stopping, Report, { Topic: 't' })).toBe('EXECUTION_CANCELLED')
  })

  test('needs inputs that fit, and a graph that its docket knows', async () => {
    const wrong = reportsOf(async (ctx) => [
      await ctx.start(pages, Words, {} as never).catch((error: { code: string }) => error.code),
      await ctx.start(pages, Words, { Page: { url: 5 as never } }).catch((error: { code: string }) => error.code),
      await ctx.start(pages, Words, { Page: { url: 'a' } }).catch((error: Error) => error.message),
    ])
    await using docket = createTestDocket({ graphs: [wrong] })
    const [missing, misfit, unknown] = (await docket.execute(wrong, Report, { Topic: 't' })) as string[]
    expect([missing, misfit]).toEqual(['INPUT_INVALID', 'INPUT_INVALID'])
    expect(unknown).toContain('graph "pages" is not known to this docket')
  })
})

test('a docket that is closed waits for no child that a function has left', async () => {
  const world = new World()
  const reports = reportsOf(async (ctx) => (await ctx.start(pages, Words, { Page: { url: 'a' } })).id)
  const docket = world.process({ graphs: [reports, pages] })
  const handle = await world.clock.settle(docket.start(reports, Report, { Topic: 't' }, { id: 'r' }))
  expect(await world.clock.settle(handle.result())).toBe('r/Write/pages')
  await world.clock.advance(1_000)
  await world.clock.settle(docket.close({ deadline: 0 }))
  expect(world.clock.pending).toBe(0)
})
