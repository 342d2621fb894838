import { describe, expect, test } from 'vitest'
import { createActor, toPromise } from 'xstate'
import { fromGraph, RerunMismatchError } from '../../../src/index.ts'
import type { DurableContext } from '../../../src/index.ts'
import { VirtualTime } from '../virtual-time.ts'
import { causeOf, graphOf, Receipt, resultOf, turns } from './orders.ts'

describe('what is derived', () => {
  test('is the same in a further attempt, and differs from call to call', async () => {
    const seen: (readonly [number, string, number])[] = []
    const run = async (ctx: DurableContext): Promise<void> => {
      seen.push([ctx.random(), ctx.uuid(), ctx.now().getTime()], [ctx.random(), ctx.uuid(), ctx.now().getTime()])
      await ctx.step('once', () => 1)
      if (ctx.attempt === 1) throw new Error('again')
    }
    await resultOf(run, { retry: { maxAttempts: 2 } })
    expect(seen.slice(2)).toEqual(seen.slice(0, 2))
    expect(seen[0]![0]).not.toBe(seen[1]![0])
    for (const [number, uuid] of seen) {
      expect(number).toBeGreaterThanOrEqual(0)
      expect(number).toBeLessThan(1)
      expect(uuid).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
    }
  })
})

describe('a further attempt', () => {
  test('finds what came to an end, but for the failure that it is made for and what followed from that', async () => {
    const calls: string[] = []
    const run = async (ctx: DurableContext): Promise<unknown> => {
      await ctx.step('charge', () => calls.push('charge'))
      await ctx.step('optional', () => Promise.reject(new Error('unimportant'))).catch(() => calls.push('caught'))
      try {
        return await ctx.step('ship', () => {
          calls.push('ship')
          if (ctx.attempt === 1) throw new Error('no truck')
          return 'shipped'
        })
      } catch (error) {
        await ctx.step('clean up', () => calls.push('clean up'))
        throw new Error('not shipped', { cause: error })
      }
    }
    expect(await resultOf(run, { retry: { maxAttempts: 2 } })).toBe('shipped')
    expect(calls).toEqual(['charge', 'caught', 'ship', 'clean up', 'caught', 'ship'])
  })

  test('that goes another way fails with both sides named, and is not tried again', async () => {
    let attempts = 0
    const run = async (ctx: DurableContext): Promise<void> => {
      attempts++
      await (ctx.attempt === 1 ? ctx.step('wait', () => 1) : ctx.branch('b', (part) => part.sleep(1)))
      throw new Error('again')
    }
    const clock = new VirtualTime()
    const actor = createActor(fromGraph(graphOf(run, { retry: { maxAttempts: 5 } }), Receipt), {
      input: { Order: 'o' },
      clock,
    }).start()
    const cause = causeOf(toPromise(actor))
    for (let i = 0; i < 10; i++) {
      await turns()
      await clock.advance(1_000)
    }
    const error = (await cause) as RerunMismatchError
    expect(error).toBeInstanceOf(RerunMismatchError)
    expect(error.expected).toBe('step "wait"')
    expect(error.found).toBe('sleep "b/sleep"')
    expect(attempts).toBe(2)
  })

  test('that calls another verb under a name on record fails at once', async () => {
    expect(
      await causeOf(
        resultOf(
          async (ctx: DurableContext): Promise<void> => {
            await (ctx.attempt === 1 ? ctx.step('sleep', () => 1) : ctx.sleep(1))
            throw new Error('again')
          },
          { retry: { maxAttempts: 2 } },
        ),
      ),
    ).toMatchObject({
      code: 'RERUN_MISMATCH',
      message: expect.stringContaining('it calls sleep "sleep", which is on record as step "sleep"') as string,
    })
  })

  test('that ends before what is on record was called has gone another way', async () => {
    expect(
      await causeOf(
        resultOf(
          async (ctx: DurableContext): Promise<void> => {
            if (ctx.attempt === 2) return
            await ctx.step('a', () => 1)
            throw new Error('again')
          },
          { retry: { maxAttempts: 2 } },
        ),
      ),
    ).toMatchObject({
      code: 'RERUN_MISMATCH',
      found: 'ended',
    })
  })
})
