import { expect, test } from 'vitest'
import { all, dataType, executeBatch, graph, race, step, type } from '../../../src/index.ts'

const Id = dataType('Id', type<number>())
const Total = dataType('Total', type<number>())

test.each([false, true])(
  'a step that takes all goes with a race that runs once since its inputs are shared, also where one of these is overridden (the other one is needed besides: %s)',
  async (isNeeded) => {
    const Quick = dataType('Quick', type<number>())
    const Slow = dataType('Slow', type<number>())
    const First = dataType('First', type<number>())
    let decided = 0
    const first = race({
      name: 'First',
      inputs: { quick: Quick, slow: Slow },
      output: First,
      run: ({ value }) => {
        decided++
        return value
      },
    })
    const raced = graph({
      name: 'raced',
      steps: [
        step({ name: 'Quick', inputs: {}, output: Quick, run: () => 1 }),
        step({ name: 'Slow', inputs: {}, output: Slow, run: () => 2 }),
        first,
        step({
          name: 'Total',
          inputs: { ids: all(Id), first: First, more: isNeeded ? Slow : First },
          output: Total,
          run: (given) => given.ids.reduce((sum, id) => sum + id, given.first),
        }),
      ],
    })
    expect(await executeBatch(raced, Total, [{ Id: 1 }, { Id: 3 }])).toEqual([5, 5])
    expect(await executeBatch(raced, Total, [{ Id: 1 }, { Id: 3 }], { overrides: { Quick: 10 } })).toEqual([14, 14])
    expect(decided).toBe(2)
  },
)
