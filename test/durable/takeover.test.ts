import { describe, expect, test } from 'vitest'
import { ExecutionTimeoutError, fixed, StoreError } from '../../src/index.ts'
import { rejectionOf } from '../loose-api.ts'
import { alteredStore } from './altered-store.ts'
import { deathAfter } from './death-after.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import type { LineOptions } from './line.ts'

const inputs = { Seed: 1 }

describe('an execution whose process died', () => {
  test('goes on in any process that knows its graph, and in no other', async () => {
    const world = new World()
    const { line: stranger } = line({ name: 'stranger' })
    const bystander = world.process({ graphs: [stranger] })
    await deathAfter(world, 10, { second: { run: () => door().promise } })
    await world.clock.advance(20_000)
    const [left] = (await bystander.list()).executions
    expect(left).toMatchObject({ id: 'a', status: 'running', incompatible: [] })
    const { line: healthy } = line()
    const survivor = world.process({ graphs: [stranger, healthy] })
    await world.clock.advance(1_000)
    expect((await survivor.list()).executions).toMatchObject([{ id: 'a', status: 'completed', output: 4 }])
  })

  test('waits for a process that may take over', async () => {
    const world = new World()
    await deathAfter(world, 10, { second: { run: () => door().promise } })
    const { line: healthy } = line()
    const idle = world.process({ graphs: [healthy], takeOver: false })
    await world.clock.advance(20_000)
    expect((await idle.list()).executions).toMatchObject([{ id: 'a', status: 'running' }])
  })

  test('goes on where its records were refused to the look, and the store is mended meanwhile', async () => {
    const world = new World()
    await deathAfter(world, 10, { second: { run: () => door().promise } })
    await world.clock.advance(20_000)
    let refusals = 0
    const store = alteredStore(world.store, (method, ask, [ids]) => {
      if (method !== 'readSteps' || !(ids as string[]).includes('a') || refusals > 0) return ask()
      refusals++
      throw new StoreError('memory', 'column s.attempt does not exist', false)
    })
    const { line: healthy } = line()
    const survivor = world.process({ graphs: [healthy], store })
    await world.clock.advance(1_000)
    expect(refusals).toBe(1)
    expect(world.events.filter(({ type }) => type === 'execution.incompatible')).toEqual([])
    expect((await survivor.list()).executions).toMatchObject([{ id: 'a', status: 'completed', output: 4 }])
  })

  test('goes on once, however many processes look for work', async () => {
    const world = new World()
    const { line: healthy, runs } = line()
    for (let i = 0; i < 5; i++) world.process({ graphs: [healthy] })
    await deathAfter(world, 10, { second: { run: () => door().promise } })
    await world.clock.advance(10_000)
    expect(runs).toEqual(['Second', 'Third'])
  })
})

describe('the wait before the next attempt', () => {
  const retry = { maxAttempts: 3, backoff: fixed('60s') }
  const second = {
    retry,
    run: () => {
      throw new Error('busy')
    },
  }

  test('ends when it was due, whoever died meanwhile', async () => {
    const world = new World()
    const begunAt = world.clock.now()
    await deathAfter(world, 20_000, { second })
    const attempts: [at: number, attempt: number][] = []
    const { line: healthy } = line({
      second: {
        retry,
        run: (value, { attempt }) => {
          attempts.push([world.clock.now() - begunAt, attempt])
          return value
        },
      },
    })
    const survivor = world.process({ graphs: [healthy] })
    await world.clock.advance(10_000)
    const { steps } = await (await survivor.get('a'))!.details()
    expect(steps.find(({ step }) => step === 'Second')).toMatchObject({ status: 'retrying', attempt: 1 })
    await world.clock.advance(60_000)
    expect(attempts).toEqual([[60_000, 2]])
  })

  test('is over if it was due while nobody ran the execution', async () => {
    const world = new World()
    await deathAfter(world, 20_000, { second })
    await world.clock.advance(100_000)
    const { line: healthy, runs } = line({ second: { retry } })
    world.process({ graphs: [healthy] })
    await world.clock.advance(1_000)
    expect(runs).toEqual(['Second', 'Third'])
  })
})

describe('a death', () => {
  test('counts as an attempt of a step that is tried again', async () => {
    const world = new World()
    const retry = { maxAttempts: 2 }
    await deathAfter(world, 10, { second: { retry, run: () => door().promise } })
    let seen = 0
    const { line: healthy } = line({
      second: {
        retry,
        run: (_, { attempt }) => {
          seen = attempt
          throw new Error('busy')
        },
      },
    })
    const survivor = world.process({ graphs: [healthy] })
    const outcome = rejectionOf((await survivor.get('a'))!.result())
    expect(String(await world.clock.settle(outcome))).toContain('busy')
    expect(seen).toBe(2)
  })

  test('during the last attempt fails the step, and says what happened', async () => {
    const world = new World()
    const retry = { maxAttempts: 2 }
    const options = { second: { retry, run: () => door().promise } }
    await deathAfter(world, 10, options)
    const { line: graph, runs } = line(options)
    const { die } = world.mortal({ graphs: [graph] })
    await world.clock.advance(10_000)
    expect(runs).toEqual(['Second'])
    die()
    const { line: healthy } = line({ second: { retry } })
    const survivor = world.process({ graphs: [healthy] })
    const error = (await world.clock.settle(rejectionOf((await survivor.get('a'))!.result()))) as Error
    expect(error).toMatchObject({ name: 'StepError', step: 'Second', cause: { name: 'LeaseLostError' } })
    expect(String(error.cause)).toContain('died during attempt 2 of 2')
  })

  test('does not count for a step that is tried once', async () => {
    const world = new World()
    await deathAfter(world, 10, { second: { run: () => door().promise } })
    let seen = 0
    const { line: healthy } = line({ second: { run: (value, { attempt }) => ((seen = attempt), value) } })
    const survivor = world.process({ graphs: [healthy] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(3)
    expect(seen).toBe(1)
  })

  test('keeps the idempotency key', async () => {
    const world = new World()
    const keys: string[] = []
    await deathAfter(world, 10, {
      second: { run: (_, { idempotencyKey }) => (keys.push(idempotencyKey), door().promise) },
    })
    const { line: healthy } = line({ second: { run: (value, context) => (keys.push(context.idempotencyKey), value) } })
    const survivor = world.process({ graphs: [healthy] })
    await world.clock.settle((await survivor.get('a'))!.result())
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBe(keys[1])
  })

  test('after a step failed, but before that was reported, leads to the same failure', async () => {
    const world = new World()
    const { line: graph } = line({
      second: {
        run: () => {
          throw Object.assign(new TypeError('odd'), { code: 'E_ODD' })
        },
      },
    })
    const watched = world.mortal({ graphs: [graph] })
    const { commit } = world.store
    world.store.commit = (commits) => {
      const answer = commit.call(
        world.store,
        commits.map((one) => ({ ...one, head: one.head?.endedAt === undefined ? one.head : undefined })),
      )
      if (commits.some(({ head }) => head?.endedAt !== undefined)) watched.die()
      return answer
    }
    await watched.docket.start(graph, Third, inputs, { id: 'a' })
    await world.clock.advance(10)
    world.store.commit = commit
    const { line: healthy, runs } = line()
    const survivor = world.process({ graphs: [healthy] })
    const error = await world.clock.settle(rejectionOf((await survivor.get('a'))!.result()))
    expect(error).toMatchObject({ name: 'StepError', step: 'Second', cause: { code: 'E_ODD' } })
    expect((error as Error).cause).toBeInstanceOf(TypeError)
    expect(runs).toEqual([])
  })
})

describe('an execution’s timeout', () => {
  test('does not count the time while no living process owned it', async () => {
    const world = new World()
    await deathAfter(world, 10, { timeout: '60s', second: { run: () => door().promise } })
    await world.clock.advance(3_600_000)
    const { line: healthy } = line({
      timeout: '60s',
      second: { run: (value) => world.clock.sleep(50_000).then(() => value) },
    })
    const survivor = world.process({ graphs: [healthy] })
    expect(await world.clock.settle((await survivor.get('a'))!.result())).toBe(3)
  })

  test('counts the time that processes before owned it, and counts the whole', async () => {
    const world = new World()
    const sleepy = { run: (value: number) => world.clock.sleep(40_000).then(() => value) }
    await deathAfter(world, 50_000, { timeout: '60s', first: sleepy, second: { run: () => door().promise } })
    await world.clock.advance(3_600_000)
    const { line: healthy } = line({
      timeout: '60s',
      second: { run: (value) => world.clock.sleep(30_000).then(() => value) },
    })
    const survivor = world.process({ graphs: [healthy] })
    await world.clock.advance(1_000)
    const handle = await survivor.get('a')
    const error = await world.clock.settle(rejectionOf(handle!.result()))
    expect(error).toBeInstanceOf(ExecutionTimeoutError)
    expect(error).toMatchObject({ timeoutMs: 60_000 })
  })

  test('given to start survives a death', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => door().promise } })
    const { docket, die } = world.mortal({ graphs: [graph] })
    await docket.start(graph, Third, inputs, { id: 'a', timeout: '30s', headers: { tenant: 't' } })
    await world.clock.advance(10)
    die()
    let headers
    const { line: hanging } = line({
      second: { run: (_, context) => ((headers = context.headers), door().promise) },
    })
    const survivor = world.process({ graphs: [hanging] })
    const handle = await survivor.get('a')
    await world.clock.advance(60_000)
    expect(await rejectionOf(handle!.result())).toMatchObject({ name: 'ExecutionTimeoutError' })
    expect(headers).toEqual({ tenant: 't' })
  })
})

async function killing(maxRecoveries: number, deaths: number, options: LineOptions) {
  const world = new World()
  const { line: graph, runs } = line(options)
  const first = world.mortal({ graphs: [graph], maxRecoveries })
  await first.docket.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(10)
  first.die()
  for (let i = 1; i < deaths; i++) {
    const { die } = world.mortal({ graphs: [graph], maxRecoveries })
    await world.clock.advance(6_000)
    die()
  }
  const last = world.process({ graphs: [graph], maxRecoveries })
  await world.clock.advance(6_000)
  return { world, last, runs }
}

describe('an execution that kills its owners', () => {
  test('ends as failed, with the reason', async () => {
    const { last, runs } = await killing(3, 6, { second: { run: () => door().promise } })
    const [info] = (await last.list()).executions
    expect(info).toMatchObject({ status: 'failed', error: { name: 'LeaseLostError' } })
    expect(String(info!.error)).toContain('maxRecoveries is 3')
    expect(runs).toEqual(['First', 'Second', 'Second', 'Second', 'Second'])
  })

  test('can be retried, and is not suspected again at once', async () => {
    let isHealthy = false
    const { world, last } = await killing(3, 6, {
      second: { run: (value) => (isHealthy ? value : door().promise) },
    })
    isHealthy = true
    const handle = await last.retry('a')
    expect(await world.clock.settle(handle.result())).toBe(3)
  })

  test('is not suspected while its steps get done', async () => {
    let ready = 0
    const { last } = await killing(1, 3, {
      first: { run: (value) => (ready++ >= 1 ? value : door().promise) },
      second: { run: (value) => (ready++ >= 3 ? value : door().promise) },
      third: { run: (value) => value },
    })
    expect((await last.list()).executions).toMatchObject([{ status: 'completed' }])
  })
})
