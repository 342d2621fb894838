import { describe, expect, test } from 'vitest'
import { createDocket, workflow } from '../../../src/index.ts'
import { compression, encryption } from '../../../src/codecs/index.ts'
import { memoryStore } from '../../../stores/memory/index.ts'
import { errorOf, never } from '../../loose-api.ts'
import { World } from '../../durable/durable-time.ts'
import { SqliteWorld } from '../embedded-worlds.ts'
import { noting } from './noting-step.ts'

// Continues workflows.test.ts.

const secret = 'ada@lovelace.example'

const args = { email: secret }

describe('hooks', () => {
  test('stand around start and steps in their order, see failures as well as successes, and undo in the opposite order what they did', async () => {
    const world = new World()
    const seen: string[] = []
    const hook = (name: string) => ({
      start: async (call: { readonly graph: string }, next: (call: never) => Promise<void>) => {
        seen.push(`${name}: ${call.graph} starts`)
        await next(call as never)
      },
      step: async (call: { readonly step: string }, next: (call: never) => unknown) => {
        seen.push(`${name}: ${call.step}`)
        try {
          return await next(call as never)
        } catch (error) {
          seen.push(`${name}: ${call.step} failed`)
          throw error
        } finally {
          seen.push(`${name}: ${call.step} is over`)
        }
      },
    })
    const { noted } = noting('any', ({ attempt }) => {
      if (attempt === 1) throw new Error('no')
      return 'done'
    })
    const interceptors = [hook('outer'), hook('inner')] as never
    const docket = world.process({ graphs: [], steps: [noted], interceptors })
    await world.clock.settle(docket.execute(workflow('w').add('a', noted, args, { retry: { maxAttempts: 2 } })))
    expect(seen.slice(0, 8)).toEqual([
      'outer: w starts',
      'inner: w starts',
      'outer: a',
      'inner: a',
      'inner: a failed',
      'inner: a is over',
      'outer: a failed',
      'outer: a is over',
    ])
    expect(seen.slice(8, 12)).toEqual(['outer: a', 'inner: a', 'inner: a is over', 'outer: a is over'])
  })

  test('a hook that refuses a start lets nothing be inserted', async () => {
    const world = new World()
    const { noted } = noting('any')
    const refusing = {
      start: () => {
        throw new Error('not today')
      },
    }
    const docket = world.process({ graphs: [], steps: [noted], interceptors: [refusing] as never })
    expect((await errorOf(docket.start(workflow('w').add('a', noted, args)))).message).toBe('not today')
    expect((await docket.list()).executions).toEqual([])
  })

  test('arguments, results and drawings are encrypted where they are stored, and compressed before that', async () => {
    const world = new SqliteWorld()
    const keys = { a: new Uint8Array(32).fill(7) }
    const codecs = [compression({ above: 10 }), encryption({ keys, current: 'a' })]
    const { noted } = noting('any', ({ stepName }, email) => (stepName === 'b' ? never() : `to ${email}`))
    const flow = workflow('w')
      .add('a', noted, args)
      .add('b', noted, args, { dependsOn: ['a'], retry: { maxAttempts: 2 } })
    const { docket, die } = world.mortal({ graphs: [], steps: [noted], codecs })
    await docket.start(flow, { id: 'x' })
    await world.clock.advance(10)
    die()
    const tables = world.ask("select name from sqlite_master where type = 'table' and name like 'docket_%'") as string[]
    const cells = tables.flatMap((table) =>
      world.database
        .prepare(`select * from ${table}`)
        .all()
        .flatMap((row) => Object.values(row)),
    )
    const text = cells
      .map((cell) => (cell instanceof Uint8Array ? Buffer.from(cell).toString('latin1') : String(cell)))
      .join()
    for (const part of ['lovelace', 'dependsOn']) expect(text).not.toContain(part)
    const { noted: healthy } = noting('any', (_, email) => email)
    const other = world.process({ graphs: [], steps: [healthy], codecs })
    expect(await world.clock.settle((await other.get('x'))!.result())).toEqual({ a: `to ${secret}`, b: secret })
  })
})

describe('many, and ends', () => {
  test('many are inserted at once, each with an outcome of its own', async () => {
    const world = new World()
    const { noted } = noting('any', (_, email) => email)
    const docket = world.process({ graphs: [], steps: [noted] })
    const flow = workflow('w').add('a', noted, args)
    const emails = ['one', 'two', 'three']
    const starts = emails.map((email, index) => ({ id: `${index}`, inputs: { 'a.args': { email } } }))
    const started = await docket.startMany(flow, flow.results, starts)
    const results = await world.clock.settle(Promise.all(started.map(({ handle }) => handle!.result())))
    expect(results.map(({ a }) => a)).toEqual(emails)
  })

  test('two last nodes that end at the same moment end the workflow, once', async () => {
    const world = new World()
    const { noted } = noting('any', ({ signal }) => world.clock.sleep(100, signal).then(() => 'done'))
    const docket = world.process({ graphs: [], steps: [noted] })
    await world.clock.settle(docket.execute(workflow('w').add('a', noted, args).add('b', noted, args), { id: 'x' }))
    expect(world.events.filter(({ type: what }) => what === 'execution.ended')).toHaveLength(1)
    expect(await (await docket.get('x'))!.details()).toMatchObject({ status: 'completed' })
  })

  test('a docket that is closed lets nodes end, and hands the rest over', async () => {
    const world = new World()
    const { noted, calls } = noting('any', ({ signal }) => world.clock.sleep(500, signal).then(() => 'done'))
    const flow = workflow('w')
      .add('a', noted, args)
      .add('b', noted, args, { dependsOn: ['a'] })
      .add('c', noted, args, { dependsOn: ['b'] })
    const docket = world.process({ graphs: [], steps: [noted] })
    await docket.start(flow, { id: 'x' })
    await world.clock.advance(600)
    await world.clock.settle(docket.close({ deadline: '1s', drain: false }))
    const before = calls.length
    const other = world.process({ graphs: [], steps: [noted] })
    expect(await world.clock.settle((await other.get('x'))!.result())).toMatchObject({ c: 'done' })
    expect(calls.filter((call) => call === 'a ends')).toHaveLength(1)
    expect(calls.slice(before)).not.toContain('a begins')
  })

  test('a first call on a fresh docket, and a workflow of a step that is not listed, are answered at once', async () => {
    const { noted } = noting('any')
    await using docket = createDocket({ graphs: [], steps: [noted], store: memoryStore() })
    expect(await docket.execute(workflow('w').add('a', noted, args))).toEqual({ a: 'done' })
    const other = noting('other').noted
    expect((await errorOf(docket.execute(workflow('w').add('a', other, args)))).message).toContain(
      'list it in createDocket({ steps })',
    )
  })
})
