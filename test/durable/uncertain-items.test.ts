import { expect, test } from 'vitest'
import { dataType, graph, optional, step, type } from '../../src/index.ts'
import { World } from './durable-time.ts'

const N = dataType('N', type<number>())
const Hold = dataType('Hold', type<string>())
const Note = dataType('Note', type<string>())

/** Of the first item the hold times out, and nothing needs it; the second one fails as long as it `isBad`, and takes its time then. */
function holding(world: World, calls: string[], state: { isBad: boolean }) {
  const hold = step({
    name: 'Hold',
    inputs: { n: N },
    output: Hold,
    timeout: '100ms',
    run: ({ n }) => (n === 1 ? new Promise<string>(() => {}) : 'held'),
    compensate: (output, { inputs, isUncertain }) => void calls.push(`${inputs.n} ${output} ${isUncertain}`),
  })
  const note = step({
    name: 'Note',
    inputs: { n: N, hold: optional(Hold) },
    output: Note,
    persist: 'execution',
    run: async ({ n, hold: held }) => {
      if (n === 2 && state.isBad) throw new Error('bad')
      if (n === 2) await world.clock.sleep(100_000)
      return `${held}`
    },
  })
  return graph({ name: 'holding', steps: [hold, note] })
}

test.each(['in the same process', 'after a death'])(
  'what a step of a completed item did, which timed out, is undone with its batch where that is retried, and then cancelled %s',
  async (where) => {
    const world = new World()
    const calls: string[] = []
    const state = { isBad: true }
    const declared = holding(world, calls, state)
    const { docket, die } = world.mortal({ graphs: [declared] })
    const batch = await docket.startBatch(declared, Note, [{ N: 1 }, { N: 2 }], { id: 'b', onError: 'collect' })
    const [first, second] = await world.clock.settle(batch.result())
    expect([first, second]).toMatchObject([{ value: 'undefined' }, { error: { step: 'Note' } }])
    expect(calls.splice(0)).toEqual(['2 held false'])
    state.isBad = false
    await docket.retry('b')
    await world.clock.advance(2_000)
    const isDead = where === 'after a death'
    if (isDead) die()
    const other = isDead ? world.process({ graphs: [declared] }) : docket
    if (isDead) await world.clock.advance(60_000)
    const handle = (await world.clock.settle(other.get('b')))!
    await world.clock.settle(handle.cancel())
    await expect(world.clock.settle(handle.result())).rejects.toMatchObject({ code: 'EXECUTION_CANCELLED' })
    expect(calls.toSorted()).toEqual(['1 undefined true', '2 held false'])
  },
)
