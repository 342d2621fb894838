import { describe, expect, test, vi } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import { placeMaker, storeKinds } from './place.ts'
import { startProcess } from './processes.ts'
import { relay, Second, untilAborted } from './relay.ts'
import { shiftedClock } from './shifted-clock.ts'

const newPlace = await placeMaker()
const patience = { timeout: 15_000, interval: 50 }
const inputs = { Seed: 1 }
const hour = 3_600_000
const away = { ahead: 2 * hour, behind: -2 * hour }

const Out = dataType('Out', type<string>())

/** A graph whose step fails for as long as it is told to. */
function flaky() {
  const state = { fails: true, attempts: 0 }
  const again = step({
    name: 'Again',
    output: Out,
    persist: 'execution',
    retry: { maxAttempts: 5, backoff: '1s' },
    run: () => {
      state.attempts++
      if (state.fails) throw new Error('not now')
      return 'ok'
    },
  })
  return { state, graph: graph({ name: 'flaky', steps: [again] }) }
}

describe.concurrent.each(storeKinds)('on %s', (kind) => {
  describe.each(Object.entries(away))('a machine whose clock is two hours %s', (_, byMs) => {
    const clock = shiftedClock(byMs)

    test('hands a retry over that is due when it would have been', async ({ onTestFinished }) => {
      const place = await newPlace(kind)
      const { state, graph: again } = flaky()
      const first = startProcess(place, { graphs: [again], clock }, onTestFinished)
      await first.docket.start(again, Out, {}, { id: 'a' })
      await vi.waitFor(() => expect(state.attempts).toBe(1), patience)
      await first.docket.close({ deadline: 0 })
      state.fails = false
      const second = startProcess(place, { graphs: [again] }, onTestFinished)
      expect(await (await second.docket.get('a'))!.result()).toBe('ok')
    })

    test('takes a retry over when it is due', async ({ onTestFinished }) => {
      const place = await newPlace(kind)
      const { state, graph: again } = flaky()
      const first = startProcess(place, { graphs: [again] }, onTestFinished)
      await first.docket.start(again, Out, {}, { id: 'a' })
      await vi.waitFor(() => expect(state.attempts).toBe(1), patience)
      await first.docket.close({ deadline: 0 })
      state.fails = false
      const second = startProcess(place, { graphs: [again], clock }, onTestFinished)
      expect(await (await second.docket.get('a'))!.result()).toBe('ok')
    })

    test('takes an execution over whose deadline has not come', async ({ onTestFinished }) => {
      const place = await newPlace(kind)
      const slow = relay({ first: untilAborted })
      const first = startProcess(place, { graphs: [slow.relay] }, onTestFinished)
      await first.docket.start(slow.relay, Second, inputs, { id: 'a', deadline: Date.now() + hour })
      await first.docket.startBatch(slow.relay, Second, [inputs], { id: 'b', deadline: Date.now() + hour })
      await vi.waitFor(() => expect(slow.runs).toHaveLength(2), patience)
      await first.docket.close({ deadline: 0 })
      const healthy = relay()
      const second = startProcess(place, { graphs: [healthy.relay], clock }, onTestFinished)
      expect(await (await second.docket.get('a'))!.result()).toBe(3)
      expect(await (await second.docket.get('b'))!.result()).toEqual([3])
    })

    test('gives deadlines that mean the same to others', async ({ onTestFinished }) => {
      const place = await newPlace(kind)
      const never = relay({ first: untilAborted })
      const first = startProcess(place, { graphs: [never.relay], clock }, onTestFinished)
      const deadline = clock.now!() + 2_000
      await first.docket.start(never.relay, Second, inputs, { id: 'a', deadline })
      await first.docket.startBatch(never.relay, Second, [inputs], { id: 'b', deadline })
      const second = startProcess(place, { graphs: [never.relay] }, onTestFinished)
      for (const id of ['a', 'b']) {
        const handle = (await second.docket.get(id))!
        const stored = (await handle.details()).deadline!
        expect(Math.abs(stored.getTime() - (deadline - byMs))).toBeLessThan(1_000)
        await expect(handle.result()).rejects.toMatchObject({ code: 'EXECUTION_TIMEOUT' })
      }
      expect(Date.now()).toBeGreaterThanOrEqual(deadline - byMs - 1_000)
    })

    test('writes ends that others purge in their time, and purges theirs so', async ({ onTestFinished }) => {
      const place = await newPlace(kind)
      const { relay: line } = relay()
      const wrong = startProcess(place, { graphs: [line], clock }, onTestFinished)
      const right = startProcess(place, { graphs: [line] }, onTestFinished)
      await wrong.docket.execute(line, Second, inputs, { id: 'wrong' })
      await right.docket.execute(line, Second, inputs, { id: 'right' })
      expect(await right.docket.purge({ olderThan: '1h' })).toBe(0)
      expect(await wrong.docket.purge({ olderThan: '1h' })).toBe(0)
      const { executions } = await right.docket.list()
      for (const { createdAt, startedAt, endedAt } of executions)
        for (const at of [createdAt, startedAt!, endedAt!])
          expect(Math.abs(at.getTime() - Date.now())).toBeLessThan(60_000)
      expect(await wrong.docket.purge({ olderThan: 0 })).toBe(2)
    })
  })
})
