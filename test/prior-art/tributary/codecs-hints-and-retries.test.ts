import { describe, expect, test } from 'vitest'
import { compression, encryption } from '../../../src/codecs/index.ts'
import { dataType, exponential, graph, NonRetryableError, step, type } from '../../../src/index.ts'
import { number, rejectionOf, stepErrorOf } from '../../loose-api.ts'
import { WatchedStore } from '../../durable/watched-store.ts'
import { door, line, Third } from '../../durable/line.ts'
import { World } from '../../durable/durable-time.ts'
import { newExecution } from '../../../src/testing/conformance/records.ts'
import { SqliteWorld, worlds } from '../embedded-worlds.ts'

// Continues crashes-and-transactions.test.ts.

const inputs = { Seed: 1 }
const secret = 'Ada Lovelace of Marylebone'
const Name = dataType('Name', type<string>())
const Letter = dataType('Letter', type<string>())
const Length = number('Length')

function keyed(current: string, ...ids: readonly string[]) {
  const keys = Object.fromEntries(ids.map((id) => [id, new Uint8Array(32).fill(id.charCodeAt(0))]))
  return encryption({ keys, current, hashKey: new Uint8Array(32).fill(9), isRequired: true })
}

function letters(send: (letter: string) => number | Promise<number>) {
  return graph({
    name: 'letters',
    steps: [
      step({
        name: 'Write',
        inputs: { name: Name },
        output: Letter,
        persist: 'execution',
        run: ({ name }) => `Dear ${name}, `.repeat(50),
      }),
      step({
        name: 'Send',
        inputs: { letter: Letter },
        output: Length,
        persist: 'execution',
        run: ({ letter }) => send(letter),
      }),
    ],
  })
}

/** Whatever is in the tables, as text. */
function contents(world: SqliteWorld): string {
  const tables = world.ask("select name from sqlite_master where type = 'table' and name like 'docket_%'") as string[]
  const rows = tables.flatMap((table) => world.database.prepare(`select * from ${table}`).all())
  return rows
    .flatMap((row) =>
      Object.values(row).map((cell) =>
        cell instanceof Uint8Array ? Buffer.from(cell).toString('latin1') : String(cell),
      ),
    )
    .join('\n')
}

describe('hooks', () => {
  test('two codecs combine: what was compressed, then encrypted, is decrypted, then expanded', async () => {
    const world = new SqliteWorld()
    const codecs = [compression({ above: 100 }), keyed('a', 'a')]
    const first = letters(() => door().promise)
    const { docket, die } = world.mortal({ graphs: [first], codecs })
    await docket.start(first, Length, { Name: secret }, { id: 'a' })
    await world.clock.advance(1_000)
    die()
    const [size] = world.ask("select length(output_bytes) from docket_steps where step = 'Write'")
    expect(size).toBeLessThan(300)
    const second = letters((letter) => letter.length)
    const survivor = world.process({ graphs: [second], codecs })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(50 * `Dear ${secret}, `.length)
  })

  test('observers get the events of failures as of successes, and each beginning has an end', async () => {
    const world = new SqliteWorld()
    const { line: failing } = line({
      second: {
        retry: { maxAttempts: 3 },
        run: () => {
          throw new Error('no')
        },
      },
    })
    const docket = world.process({ graphs: [failing] })
    await world.clock.settle(stepErrorOf(docket.execute(failing, Third, inputs, { id: 'a' })))
    const count = (type: string): number => world.events.filter((event) => event.type === type).length
    expect([count('attempt.failed'), count('attempt.started')]).toEqual([3, 4])
    expect(count('step.ended')).toBe(count('step.started'))
    expect(world.events.filter(({ type }) => type === 'execution.ended')).toMatchObject([{ status: 'failed' }])
  })
})

describe('codecs', () => {
  test('a value that can’t be decrypted is reported, and never handed to a step as it is', async () => {
    const world = new SqliteWorld()
    const seen: string[] = []
    const written = letters(() => door().promise)
    const { docket, die } = world.mortal({ graphs: [written], codecs: [keyed('a', 'a')] })
    await docket.start(written, Length, { Name: secret }, { id: 'a' })
    await world.clock.advance(1_000)
    die()
    for (const codecs of [[keyed('b', 'b')], []]) {
      const reading = letters((letter) => seen.push(letter))
      const other = world.process({ graphs: [reading], codecs })
      await world.clock.advance(10_000)
      const [told] = (await other.list()).executions
      expect(told).toMatchObject({ id: 'a', inputs: {} })
      expect(told!.incompatible.length).toBeGreaterThan(0)
    }
    const right = letters((letter) => seen.push(letter))
    const owner = world.process({ graphs: [right], codecs: [keyed('b', 'b', 'a')] })
    expect(await world.clock.settle((await owner.get('a'))!.result())).toBe(1)
    expect(seen).toEqual([`Dear ${secret}, `.repeat(50)])
  })

  test('keys are rotated: what the old one wrote is read, and the new one writes', async () => {
    const world = new SqliteWorld()
    const post = letters((letter) => letter.length)
    const run = async (id: string, codec: ReturnType<typeof keyed>): Promise<unknown> => {
      const docket = world.process({ graphs: [post], codecs: [codec] })
      return world.clock.settle(docket.execute(post, Length, { Name: secret }, { id }))
    }
    const before = await run('one', keyed('a', 'a'))
    expect(await run('one', keyed('b', 'a', 'b'))).toBe(before)
    await run('two', keyed('b', 'a', 'b'))
    expect(await run('two', keyed('b', 'b'))).toBe(before)
    const error = await rejectionOf(run('two', keyed('a', 'a')))
    expect(error).toMatchObject({ name: expect.stringMatching(/SerializationError|ExecutionConflictError/) as unknown })
  })

  test('texts of errors are encrypted, too', async () => {
    const world = new SqliteWorld()
    const failing = letters((letter) => {
      throw new Error(`no such address: ${letter}`)
    })
    const docket = world.process({ graphs: [failing], codecs: [keyed('a', 'a')] })
    const error = await world.clock.settle(stepErrorOf(docket.execute(failing, Length, { Name: secret }, { id: 'a' })))
    expect(String(error.cause)).toContain(secret)
    for (const part of ['Lovelace', 'Dear', 'no such address']) expect(contents(world)).not.toContain(part)
  })
})

describe('hints', () => {
  test('a thousand hints at once wake a process once', async () => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    world.process({ graphs: [line().line], store: watched.store })
    await world.clock.advance(1_000)
    watched.calls.length = 0
    for (let i = 0; i < 1_000; i++) await world.store.create([newExecution(`of another graph ${i}`)])
    await world.clock.advance(20)
    expect(watched.count('acquire')).toBeGreaterThan(0)
    expect(watched.calls.length).toBeLessThan(10)
  })

  test('a process with nothing to do asks the store a few times a second, whatever others do', async () => {
    const world = new SqliteWorld()
    const watched = new WatchedStore(world.store)
    const { line: idle } = line({ name: 'idle' })
    const { line: busy } = line({ name: 'busy' })
    world.process({ graphs: [idle], store: watched.store })
    await world.clock.advance(1_000)
    watched.calls.length = 0
    const docket = world.process({ graphs: [busy] })
    const all = Array.from({ length: 500 }, (_, Seed) => docket.execute(busy, Third, { Seed }, { id: `${Seed}` }))
    await world.clock.settle(Promise.all(all))
    await world.clock.advance(10_000)
    expect(watched.calls.length).toBeLessThan(50)
  })
})

describe('retries and timeouts', () => {
  test('a backoff has a limit, also after a thousand attempts, and jitter where it is set', () => {
    for (const attempt of [25, 64, 1_000, 1e6]) expect(exponential('1s')(attempt, Math.random)).toBe(30_000)
    const spread = [0, 0.5, 0.9].map((random) => exponential('1s', { jitter: 1 })(25, () => random))
    expect(new Set(spread).size).toBe(3)
  })

  test.each(worlds)(
    '25 attempts are over in minutes, not months, and due times are in the records (%s)',
    async (_, newWorld) => {
      const world = newWorld()
      const begunAt = world.clock.now()
      const { line: failing, runs } = line({
        first: {
          retry: { maxAttempts: 25, backoff: exponential('1s') },
          run: () => {
            throw new Error('no')
          },
        },
      })
      const docket = world.process({ graphs: [failing] })
      const handle = await docket.start(failing, Third, inputs, { id: 'a' })
      const outcome = rejectionOf(handle.result())
      await world.clock.advance(120_000)
      const [first] = (await handle.details()).steps
      expect(first).toMatchObject({ status: 'retrying' })
      expect(first!.dueAt!.getTime() - world.clock.now()).toBeLessThanOrEqual(30_000)
      await world.clock.settle(outcome)
      expect(runs).toHaveLength(25)
      expect(world.clock.now() - begunAt).toBeLessThan(15 * 60_000)
    },
  )

  test.each(worlds)('an error that no retry helps against ends the step at once (%s)', async (_, newWorld) => {
    const world = newWorld()
    const { line: failing, runs } = line({
      first: {
        retry: { maxAttempts: 25, backoff: exponential('1s') },
        run: () => {
          throw new NonRetryableError('no such customer')
        },
      },
    })
    const docket = world.process({ graphs: [failing] })
    await world.clock.settle(stepErrorOf(docket.execute(failing, Third, inputs, { id: 'a' })))
    expect(runs).toHaveLength(1)
  })
})

test.each(worlds)(
  'a process without the graph burns no attempt, and who has it finds all of them (%s)',
  async (_, newWorld) => {
    const world = newWorld()
    const retry = { maxAttempts: 3 }
    const { line: fresh } = line({ name: 'fresh', second: { retry, run: () => door().promise } })
    const { line: old } = line({ name: 'old' })
    const { docket, die } = world.mortal({ graphs: [fresh] })
    await docket.start(fresh, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    for (let i = 0; i < 3; i++) world.process({ graphs: [old] })
    await world.clock.advance(3_600_000)
    let seen = 0
    const { line: healthy } = line({
      name: 'fresh',
      second: { retry, run: (value, { attempt }) => ((seen = attempt), value) },
    })
    expect(await world.clock.settle((await world.process({ graphs: [healthy] }).get('a'))!.result())).toBe(3)
    // The attempt during which its process died was the first.
    expect(seen).toBe(2)
  },
)

test.each(worlds)('a timeout of 250 ms is one, and holds though the step ignores it (%s)', async (_, newWorld) => {
  const world = newWorld()
  const begunAt = world.clock.now()
  const { line: slow } = line({ first: { timeout: '250ms', run: () => door().promise } })
  const docket = world.process({ graphs: [slow] })
  const error = await world.clock.settle(stepErrorOf(docket.execute(slow, Third, inputs, { id: 'a' })))
  expect(error.cause).toMatchObject({ name: 'StepTimeoutError' })
  expect(world.clock.now() - begunAt).toBe(250)
})

test.each(worlds)(
  'status, result, errors, list, cancel and await are there for every process (%s)',
  async (_, newWorld) => {
    const world = newWorld()
    const { line: mixed } = line({
      second: {
        run: (value, { signal }) => {
          if (value === 2) throw Object.assign(new RangeError('out of range'), { code: 'E_RANGE' })
          return value === 3 ? world.clock.sleep(60_000, signal).then(() => 1) : value
        },
      },
    })
    const runner = world.process({ graphs: [mixed] })
    for (const Seed of [0, 1, 2]) await runner.start(mixed, Third, { Seed }, { id: `${Seed}` })
    await world.clock.advance(10)
    const other = world.process({ graphs: [line({ name: 'other' }).line] })
    const told = async (id: string) => (await other.get(id))!.details()
    expect(await world.clock.settle((await other.get('0'))!.result())).toBe(2)
    expect((await told('1')).steps).toContainEqual(
      expect.objectContaining({
        step: 'Second',
        status: 'failed',
        attempt: 1,
        error: expect.objectContaining({ name: 'RangeError', code: 'E_RANGE' }) as unknown,
      }),
    )
    await other.cancel('2')
    await world.clock.advance(1_000)
    const { executions } = await other.list({ graph: 'line' })
    expect(executions.map(({ id, status }) => `${id} ${status}`).toSorted()).toEqual([
      '0 completed',
      '1 failed',
      '2 cancelled',
    ])
  },
)
