import { expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { dataType, fromGraph, graph, machineStep, step, type } from '../../../src/index.ts'
import { atEveryCommit, createTestDocket } from '../../../src/testing/index.ts'

const Word = dataType('Word', type<string>())
const Letters = dataType('Letters', type<number>())
const Report = dataType('Report', type<string>())

const counting = graph({
  name: 'counting',
  steps: [step({ name: 'Count', inputs: { word: Word }, output: Letters, run: ({ word }) => word.length })],
})

const machine = setup({
  types: {} as { context: { letters: number }; output: string },
  actors: { count: fromGraph(counting, Letters) },
}).createMachine({
  context: { letters: 0 },
  output: ({ context }) => `${context.letters} letters`,
  initial: 'asleep',
  states: {
    asleep: { after: { 3_600_000: 'counting' } },
    counting: {
      invoke: {
        src: 'count',
        input: { Word: 'abc' },
        onDone: { target: 'done', actions: assign({ letters: ({ event }) => event.output }) },
      },
    },
    done: { type: 'final' },
  },
})
const reports = graph({
  name: 'reports',
  steps: [machineStep({ name: 'Machine', machine, inputs: {}, output: Report })],
})

test('a graph that a machine of a step invokes by fromGraph runs, and gives its value, wherever the process dies', async () => {
  const { crashes } = await atEveryCommit({ graphs: [reports] }, async (docket) =>
    (await docket.start(reports, Report, {}, { id: 'r' })).result(),
  )
  expect(crashes).toBeGreaterThan(6)
  await using docket = createTestDocket({ graphs: [reports] })
  const handle = await docket.start(reports, Report, {}, { id: 'r' })
  await docket.advance('30m')
  await docket.restart()
  expect(await handle.result()).toBe('3 letters')
})
