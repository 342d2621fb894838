import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createDocket, dataType, OptionError, step, type, untypedGraph } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { storePlaces } from './store-places.ts'

const { sqlStores, redisStores } = await storePlaces()

/** Text that can't be compressed. */
function random(bytes: number): string {
  return randomBytes(bytes).toString('base64url').slice(0, bytes)
}

describe.each([...sqlStores, ...redisStores])('%s', (_, newPlace) => {
  test('keeps names as long as it declares, all of them at once, and is given no longer ones', async () => {
    const store = newPlace()()
    const { executionId, graph: graphName, step: stepName, item, owner, name } = store.limits as Record<string, number>
    const In = dataType(random(name!), type<number>())
    const Out = dataType(random(name!), type<number>())
    let runs = 0
    const double = (persist: 'execution' | 'global') =>
      step({
        name: random(stepName!),
        inputs: { n: In },
        output: Out,
        version: random(name!),
        persist,
        retry: { maxAttempts: 2 },
        run: ({ n }) => {
          runs++
          return n * 2
        },
      })
    const own = untypedGraph({ name: random(graphName!), steps: [double('execution')] })
    const shared = untypedGraph({ name: random(graphName!), steps: [double('global')] })
    await using docket = createDocket({ graphs: [own, shared], store, name: random(owner! - 37) })
    const inputs = (n: number) => ({ [In.name]: n })
    const id = random(executionId!)
    expect(await docket.execute(own, Out, inputs(1), { id })).toBe(2)
    expect(await docket.execute(shared, Out, inputs(2), { id: random(executionId!) })).toBe(4)
    const forked = await docket.fork(id, { from: own.steps[0]!.name, id: random(executionId!) })
    expect(await forked.result()).toBe(2)
    const keys = [random(item!), random(item!)]
    const key = (__: unknown, index: number): string => keys[index]!
    const items = [inputs(3), inputs(4)]
    const batch = await docket.startBatch(own, Out, items, { id: random(executionId!), key })
    expect(await batch.result()).toEqual([6, 8])
    expect((await docket.list({ graph: own.name })).executions.map((one) => one.status)).toEqual([
      'completed',
      'completed',
      'completed',
    ])

    const [before, tooLong] = [runs, random(executionId! + 1)]
    for (const call of [
      () => docket.start(own, Out, inputs(5), { id: tooLong }),
      () => docket.execute(shared, Out, inputs(5), { id: tooLong }),
      () => docket.startBatch(own, Out, items, { id: tooLong }),
      () => docket.startBatch(own, Out, items, { key: (__: unknown, index) => random(item! + index) }),
      () => docket.fork(id, { from: own.steps[0]!.name, id: tooLong }),
      async () => createDocket({ graphs: [untypedGraph({ name: random(graphName! + 1), steps: own.steps })], store }),
    ]) {
      const error = await rejectionOf(call())
      expect(error).toBeInstanceOf(OptionError)
      expect((error as Error).message).toMatch(
        / bytes long, but the \w+ store keeps .* of up to \d+ bytes; use a shorter one/,
      )
    }
    expect(runs).toBe(before)
    expect((await docket.list()).executions.length).toBe(4)
    expect(await docket.get(tooLong)).toBeUndefined()
    expect(await docket.delete(id)).toBe(true)
  })
})
