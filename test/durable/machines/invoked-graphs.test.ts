import { expect, test } from 'vitest'
import { assign, setup } from 'xstate'
import { dataType, execute, fromGraph, graph, machineStep, step, timer, type } from '../../../src/index.ts'
import { atEveryCommit, createTestDocket, VirtualClock } from '../../../src/testing/index.ts'

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

const Morning = dataType('Morning', type<{ readonly dueAt: Date }>())
const sleeping = graph({ name: 'sleeping', steps: [timer({ name: 'Sleep', output: Morning, after: '30d' })] })
const sleeper = setup({
  types: {} as { context: { until: string }; output: string },
  actors: { sleep: fromGraph(sleeping, Morning) },
}).createMachine({
  context: { until: '' },
  output: ({ context }) => context.until,
  invoke: {
    src: 'sleep',
    input: {},
    onDone: { target: '.awake', actions: assign({ until: ({ event }) => event.output.dueAt.toISOString() }) },
  },
  initial: 'asleep',
  states: { asleep: {}, awake: { type: 'final' } },
})
const sleeps = graph({ name: 'sleeps', steps: [machineStep({ name: 'Machine', machine: sleeper, output: Report })] })

test('a graph that a machine of a step invokes by fromGraph goes by the clock of its execution', async () => {
  await using docket = createTestDocket({ graphs: [sleeps] })
  const handle = await docket.start(sleeps, Report, {}, { id: 's' })
  await docket.advance('31d')
  expect((await handle.details()).status).toBe('completed')
  expect(await handle.result()).toBe('2000-01-31T00:00:00.000Z')

  const clock = new VirtualClock()
  const began = clock.now()
  const until = execute(sleeps, Report, {}, { clock })
  await clock.advance(31 * 86_400_000)
  expect(await until).toBe(new Date(began + 30 * 86_400_000).toISOString())
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
