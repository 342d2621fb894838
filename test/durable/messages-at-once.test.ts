import { expect, test } from 'vitest'
import { z } from 'zod'
import { createDocket, dataType, durableStep, graph, type, update } from '../../src/index.ts'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Start = dataType('Start', type<number>())
const Sum = dataType('Sum', type<number>())
const Add = update('Add', { input: type<number>(), output: type<number>() })

/** Adds up what it is sent, three times; what its function has seen is noted. */
function sums(seen: number[]) {
  return graph({
    name: 'sums',
    steps: [
      durableStep({
        name: 'AddUp',
        inputs: { start: Start },
        output: Sum,
        receives: [Add],
        run: async ({ start }, context) => {
          let sum = start
          for (let count = 0; count < 3; count++) {
            const request = await context.receive(Add)
            seen.push(request.value)
            sum += request.value
            await request.reply(sum)
          }
          return sum
        },
      }),
    ],
  })
}

const isTaking = ({ checkpoints }: ExecutionCommit): boolean =>
  checkpoints?.some(({ kind, status }) => kind === 'receive' && status === 'completed') === true

const hasAnswer = ({ checkpoints }: ExecutionCommit): boolean =>
  checkpoints?.some(({ kind }) => kind === 'answer') === true

test('a message that a function waits for, and the answer that it gives at once, go out in one commit', async () => {
  const commits: ExecutionCommit[] = []
  const store = alteredStore(memoryStore(), (method, ask, [given]) => {
    if (method === 'commit') commits.push(...(given as readonly ExecutionCommit[]))
    return ask()
  })
  const declared = sums([])
  // By the clock of this machine: what one turn of its event loop brings goes out together.
  await using docket = createDocket({ graphs: [declared], store })
  const handle = await docket.start(declared, Sum, { Start: 0 }, { id: 'a' })
  for (const [value, sum] of [
    [2, 2],
    [3, 5],
    [4, 9],
  ] as const)
    expect(await handle.update(Add, value)).toBe(sum)
  const answering = commits.filter(({ checkpoints = [] }) => checkpoints.some(({ status }) => status === 'completed'))
  // Where the machine is so busy that the lease is in question, they go out one after the other: hardly for all three.
  const together = answering.filter(({ checkpoints = [] }) => checkpoints.length === 3)
  expect(together.map(({ checkpoints = [] }) => checkpoints.map(({ kind }) => kind))).toContainEqual([
    'receive',
    'reply',
    'answer',
  ])
  for (const { consumed } of together) expect(consumed).toHaveLength(1)
})

test('a message that was given to a function whose process dies before that is on record comes again', async () => {
  const world = new World()
  const seen: number[] = []
  const graphs = [sums(seen)]
  const fatal = alteredStore(world.store, (method, ask, [given]) => {
    if (method !== 'commit' || !(given as readonly ExecutionCommit[]).some(hasAnswer)) return ask()
    mortal.die()
    return new Promise(() => {})
  })
  const mortal = world.mortal({ graphs, lease: '2s' }, fatal)
  await world.clock.settle(mortal.docket.start(graphs[0]!, Sum, { Start: 0 }, { id: 'a' }))
  await world.clock.advance(100)
  const sender = world.process({ graphs, takeOver: false })
  const handle = (await world.clock.settle(sender.get('a')))!
  const answers = [2, 3, 4].map(async (value) => handle.update(Add, value))
  await world.clock.advance(1_000)
  expect(seen).toEqual([2])
  world.process({ graphs, lease: '2s' })
  await world.clock.advance(10_000)
  expect(await world.clock.settle(Promise.all(answers))).toEqual([2, 5, 9])
  expect(seen).toEqual([2, 2, 3, 4])
})

test('a message that a function waits for beside another one is given once that is on record: the next life could take the other one', async () => {
  const world = new World()
  const Approved = dataType('Approved', type<string>())
  const Rejected = dataType('Rejected', type<string>())
  const Decision = dataType('Decision', type<string>())
  const seen: string[] = []
  const { promise: sent, resolve: send } = Promise.withResolvers<number>()
  const declared = graph({
    name: 'decisions',
    steps: [
      durableStep({
        name: 'Decide',
        output: Decision,
        receives: [Approved, Rejected],
        run: async (_, context) => {
          await context.step('prepare', () => sent)
          const { type: decision } = await Promise.race([
            context.receive(Approved),
            context.receive(Rejected, { key: 'rejected' }),
          ])
          seen.push(decision)
          return decision
        },
      }),
    ],
  })
  const graphs = [declared]
  const fatal = alteredStore(world.store, (method, ask, [given]) => {
    if (method !== 'commit' || !(given as readonly ExecutionCommit[]).some(isTaking)) return ask()
    mortal.die()
    return new Promise(() => {})
  })
  const mortal = world.mortal({ graphs, lease: '2s' }, fatal)
  const handle = await world.clock.settle(mortal.docket.start(declared, Decision, {}, { id: 'a' }))
  await world.clock.settle(handle.signal(Rejected, 'no'))
  await world.clock.advance(100)
  await world.clock.settle(handle.signal(Approved, 'yes'))
  await world.clock.advance(100)
  send(0)
  await world.clock.advance(1_000)
  const next = world.process({ graphs, lease: '2s' })
  await world.clock.advance(10_000)
  const result = await world.clock.settle((await world.clock.settle(next.get('a')))!.result())
  expect(seen).toEqual([result])
})

test('a message whose value can’t be kept is refused where it is received, with a codec that takes its time as well', async () => {
  const world = new World()
  const schema = z.string().transform((text) => () => text)
  const Odd = dataType('Odd', schema)
  const Verdict = dataType('Verdict', type<string>())
  const slow = {
    name: 'slow',
    encode: async (bytes: Uint8Array) => bytes,
    decode: async (bytes: Uint8Array) => bytes,
  }
  const seen: string[] = []
  const declared = graph({
    name: 'odd',
    steps: [
      durableStep({
        name: 'Judge',
        inputs: { start: Start },
        output: Verdict,
        receives: [Odd],
        run: async (_, context) => {
          try {
            await context.receive(Odd)
            seen.push('given')
            return 'kept'
          } catch (error) {
            return String(error).split(':')[0]!
          }
        },
      }),
    ],
  })
  const docket = world.process({ graphs: [declared], codecs: [slow] })
  const handle = await world.clock.settle(docket.start(declared, Verdict, { Start: 1 }, { id: 'a' }))
  await world.clock.settle(handle.signal(Odd, 'x'))
  expect(await world.clock.settle(handle.result())).toBe('SerializationError')
  expect(seen).toEqual([])
})
