import { describe, expect, test } from 'vitest'
import { assign, emit, enqueueActions, fromTransition, sendParent, sendTo, setup, spawnChild, stopChild } from 'xstate'
import { z } from 'zod'
import { dataType, graph, machineStep } from '../../../src/index.ts'
import { atEveryCommit, createTestDocket } from '../../../src/testing/index.ts'

const hour = 3_600_000
const Note = dataType('Note', z.string())
const Stop = dataType('Stop', z.boolean())
const Diary = dataType('Diary', z.array(z.string()))

/** Rings after an hour, and again as long as it is let live; what it is told meanwhile it repeats then. */
const bell = setup({
  types: {} as {
    context: { rings: number; last: string }
    events: { type: 'TELL'; text: string }
  },
}).createMachine({
  id: 'bell',
  context: { rings: 0, last: 'nothing' },
  initial: 'still',
  on: { TELL: { actions: assign({ last: ({ event }) => event.text }) } },
  states: {
    still: {
      after: {
        [hour]: {
          target: 'still',
          reenter: true,
          actions: [
            assign({ rings: ({ context }) => context.rings + 1 }),
            sendParent(({ context }) => ({ type: 'RUNG', text: `${context.rings}: ${context.last}` })),
          ],
        },
      },
    },
  },
})

/** Spawns a bell, sends it something for later, and stops it before that. */
const hasty = setup({
  types: {} as { context: { ends: number }; events: { type: 'NOTE'; value: string }; output: string[] },
  actors: { bell },
}).createMachine({
  context: { ends: 0 },
  initial: 'open',
  output: ({ context, self }) => [
    `${context.ends} ended`,
    ...Object.keys((self.getSnapshot() as { children: object }).children),
  ],
  states: {
    open: {
      on: {
        NOTE: {
          target: 'waiting',
          actions: [
            spawnChild('bell', { id: 'bell' }),
            sendTo('bell', ({ event }) => ({ type: 'TELL', text: event.value }), { delay: hour / 2 }),
            stopChild('bell'),
          ],
        },
      },
    },
    waiting: { after: { [2 * hour]: 'over' } },
    over: { type: 'final' },
  },
})
const hastes = graph({
  name: 'hastes',
  steps: [machineStep({ name: 'Hurry', machine: hasty, output: Diary, events: { NOTE: Note } })],
})

/** Counts what it is sent. */
const counter = fromTransition(
  (count: number, event: { type: string }) => (event.type === 'ONE' ? count + 1 : count),
  0,
)

const diary = setup({
  types: {} as {
    context: { lines: string[]; spawned: number }
    events: { type: 'NOTE'; value: string } | { type: 'STOP'; value: boolean } | { type: 'RUNG'; text: string }
    emitted: { type: 'noted'; text: string }
    output: string[]
  },
  actors: { bell, counter },
}).createMachine({
  id: 'diary',
  context: { lines: [], spawned: 0 },
  initial: 'open',
  output: ({ context, self }) => {
    void self
    return context.lines
  },
  invoke: { src: 'bell', id: 'hourly' },
  states: {
    open: {
      on: {
        NOTE: {
          actions: enqueueActions(({ enqueue, context, event }) => {
            const id = `counter-${context.spawned}`
            enqueue.spawnChild('counter', { id })
            enqueue.assign({ spawned: context.spawned + 1, lines: [...context.lines, event.value] })
            enqueue.emit({ type: 'noted', text: event.value })
            // What it is told later goes to another machine, half an hour before that rings.
            enqueue(sendTo('hourly', { type: 'TELL', text: event.value }, { delay: hour / 2 }))
            enqueue(sendTo(id, { type: 'ONE' }, { delay: hour / 4 }))
            if (context.spawned > 0) enqueue(stopChild(`counter-${context.spawned - 1}`))
          }),
        },
        RUNG: { actions: assign({ lines: ({ context, event }) => [...context.lines, `rung ${event.text}`] }) },
        STOP: {
          target: 'over',
          actions: [
            assign({
              lines: ({ context, self }) => {
                const { children } = self.getSnapshot() as unknown as {
                  children: Record<string, { getSnapshot(): { context: unknown } } | undefined>
                }
                const left = Object.keys(children).toSorted()
                return [
                  ...context.lines,
                  ...left.map((id) => `${id}: ${JSON.stringify(children[id]!.getSnapshot().context)}`),
                ]
              },
            }),
            emit({ type: 'noted', text: 'the end' }),
          ],
        },
      },
    },
    over: { type: 'final' },
  },
})
const diaries = graph({
  name: 'diaries',
  steps: [machineStep({ name: 'Keep', machine: diary, output: Diary, events: { NOTE: Note, STOP: Stop } })],
})

async function keep(docket: ReturnType<typeof createTestDocket>): Promise<readonly string[]> {
  const handle = await docket.start(diaries, Diary, {}, { id: 'd' })
  await handle.signal(Note, 'rain', { id: 'first' })
  await docket.advance('70m')
  await handle.signal(Note, 'sun', { id: 'second' })
  await docket.advance('80m')
  await handle.signal(Stop, true, { id: 'stop' })
  return handle.result()
}

const kept = ['rain', 'rung 1: rain', 'sun', 'rung 2: sun', 'counter-1: 1', 'hourly: {"rings":2,"last":"sun"}']

describe('the actors of a machine in a docket', () => {
  test('a machine that it has invoked, one that it has spawned, and what it sends them later, go on wherever the process dies', async () => {
    await using docket = createTestDocket({ graphs: [diaries] })
    expect(await keep(docket)).toEqual(kept)
    const { commits } = await atEveryCommit({ graphs: [diaries] }, keep)
    expect(commits.length).toBeGreaterThan(6)
  }, 120_000)

  test('what it sends later to one that it has stopped by then reaches nobody, as in XState', async () => {
    const hurry = async (docket: ReturnType<typeof createTestDocket>): Promise<readonly string[]> => {
      const handle = await docket.start(hastes, Diary, {}, { id: 'h' })
      await handle.signal(Note, 'rain', { id: 'first' })
      return handle.result()
    }
    await using docket = createTestDocket({ graphs: [hastes] })
    expect(await hurry(docket)).toEqual(['0 ended'])
    await atEveryCommit({ graphs: [hastes] }, hurry)
  })

  test('what it emits is an event of its execution, once the state that led to that is on record', async () => {
    await using docket = createTestDocket({ graphs: [diaries] })
    await keep(docket)
    const emitted = [...docket.events].flatMap((event) => (event.type === 'step.emitted' ? [event.event] : []))
    expect(emitted).toEqual([
      { type: 'noted', text: 'rain' },
      { type: 'noted', text: 'sun' },
      { type: 'noted', text: 'the end' },
    ])
  })
})
