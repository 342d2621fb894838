import { describe, expect, test } from 'vitest'
import { compression, encryption } from '../../src/codecs/index.ts'
import { dataType, graph, step, type } from '../../src/index.ts'
import { number } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { door } from './line.ts'

const Customer = dataType('Customer', type<{ readonly name: string }>())
const Letter = dataType('Letter', type<{ readonly text: string }>())
const Sent = number('Sent')

const secret = 'Ada Lovelace of Marylebone'
const inputs = { Customer: { name: secret } }

function keyed(byte: number, id = 'k1') {
  return encryption({ keys: { [id]: new Uint8Array(32).fill(byte) }, current: id, isRequired: true })
}

function letters(options: { readonly hangs?: boolean; readonly fails?: boolean } = {}) {
  const runs: string[] = []
  const post = graph({
    name: 'post',
    steps: [
      step({
        name: 'Write',
        inputs: { customer: Customer },
        output: Letter,
        persist: 'global',
        run: ({ customer }) => {
          runs.push('Write')
          return { text: `Dear ${customer.name}, `.repeat(200) }
        },
      }),
      step({
        name: 'Send',
        inputs: { letter: Letter },
        output: Sent,
        persist: 'execution',
        run: ({ letter }) => {
          runs.push('Send')
          if (options.fails === true) throw new Error(`no such address: ${letter.text}`)
          return options.hangs === true ? door().promise : letter.text.length
        },
      }),
    ],
  })
  return { post, runs }
}

function note(_: string, value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value
}

/** All that a store was given, as text. */
function spied(world: World): { readonly text: () => string } {
  const texts: string[] = []
  const written = new Set(['create', 'commit', 'claimResults', 'commitResults', 'post'])
  for (const name of written) {
    const method = Reflect.get(world.store, name) as (...given: unknown[]) => unknown
    Reflect.set(world.store, name, (...given: unknown[]) => {
      texts.push(JSON.stringify(given, note))
      return method.apply(world.store, given)
    })
  }
  return { text: () => texts.join('\n') }
}

describe('with compression and encryption', () => {
  const codecs = [compression({ above: 100 }), keyed(1)]

  test('a docket works from end to end: results, failures, takeover, retry', async () => {
    const world = new World()
    const { post } = letters({ hangs: true })
    const { docket, die } = world.mortal({ graphs: [post], codecs })
    await docket.start(post, Sent, inputs, { id: 'a' })
    await world.clock.advance(10)
    die()
    const failing = letters({ fails: true })
    const second = world.process({ graphs: [failing.post], codecs })
    await world.clock.advance(7_000)
    const [info] = (await second.list()).executions
    expect(info).toMatchObject({ status: 'failed', inputs })
    expect((info!.error as Error).cause).toMatchObject({ message: expect.stringContaining(secret) as unknown })
    await world.clock.settle(second.close())
  })

  test('nothing readable is in the store', async () => {
    const world = new World()
    const { text } = spied(world)
    const { post } = letters()
    const failing = letters({ fails: true })
    const docket = world.process({ graphs: [post], codecs })
    expect(await world.clock.settle(docket.execute(post, Sent, inputs, { id: 'a' }))).toBeGreaterThan(1_000)
    const other = world.process({ graphs: [failing.post], codecs })
    await world.clock.settle(other.execute(failing.post, Sent, inputs, { id: 'b' }).catch(() => {}))
    for (const part of ['Ada', 'Lovelace', 'Dear', 'no such address']) expect(text()).not.toContain(part)
    expect(text()).toContain('"Write"')
  })

  test('all that is in the store could be read without them', async () => {
    const world = new World()
    const { text } = spied(world)
    const { post } = letters()
    await world.clock.settle(world.process({ graphs: [post] }).execute(post, Sent, inputs, { id: 'a' }))
    expect(text()).toContain('Lovelace')
  })

  test('equal inputs share a global result, over processes', async () => {
    const world = new World()
    const { post, runs } = letters()
    for (const id of ['a', 'b'])
      await world.clock.settle(world.process({ graphs: [post], codecs }).execute(post, Sent, inputs, { id }))
    expect(runs).toEqual(['Write', 'Send', 'Send'])
  })

  test('the key of a global result can’t be computed without the secret', async () => {
    const keys: unknown[] = []
    for (const options of [{}, { codecs }]) {
      const world = new World()
      const { post } = letters()
      const claimResults = world.store.claimResults.bind(world.store)
      world.store.claimResults = (claims) => {
        keys.push(...claims.map(({ key }) => key))
        return claimResults(claims)
      }
      await world.clock.settle(world.process({ graphs: [post], ...options }).execute(post, Sent, inputs, { id: 'a' }))
    }
    expect(new Set(keys).size).toBe(2)
  })

  test('the same id with the same inputs is the same execution, also in another process', async () => {
    const world = new World()
    const { post, runs } = letters()
    for (let i = 0; i < 2; i++)
      await world.clock.settle(world.process({ graphs: [post], codecs }).execute(post, Sent, inputs, { id: 'a' }))
    expect(runs).toEqual(['Write', 'Send'])
  })
})

async function left() {
  const world = new World()
  const { post } = letters({ hangs: true })
  const { docket, die } = world.mortal({ graphs: [post], codecs: [keyed(1)] })
  await docket.start(post, Sent, inputs, { id: 'a' })
  await world.clock.advance(10)
  die()
  await world.clock.advance(6_000)
  return world
}

describe('a docket with another key', () => {
  for (const [title, codecs] of Object.entries({
    'of the same name': [keyed(2)],
    'of another name': [keyed(2, 'k2')],
    'or none at all': [],
  }))
    test(`leaves the execution alone, and says why: ${title}`, async () => {
      const world = await left()
      const { post, runs } = letters()
      const stranger = world.process({ graphs: [post], codecs })
      await world.clock.advance(3_000)
      expect(runs).toEqual([])
      const [info] = (await stranger.list()).executions
      expect(info).toMatchObject({ id: 'a', status: 'running' })
      expect(info!.incompatible.join()).toMatch(/encryption/)
      expect(world.events.filter(({ type: kind }) => kind === 'execution.incompatible')).toHaveLength(1)
      const rightful = world.process({ graphs: [post], codecs: [keyed(1)] })
      expect(await world.clock.settle((await rightful.get('a'))!.result())).toBeGreaterThan(1_000)
    })

  test('is a clear error for callers of result()', async () => {
    const world = new World()
    const { post } = letters()
    await world.clock.settle(
      world.process({ graphs: [post], codecs: [keyed(1)] }).execute(post, Sent, inputs, { id: 'a' }),
    )
    const stranger = world.process({ graphs: [post], codecs: [keyed(2)] })
    const handle = await stranger.get('a')
    await expect(handle!.result()).rejects.toThrow('encryption')
  })
})

describe('a store of its own, which codecs don’t reach, is refused', () => {
  const own = new World().store
  const codecs = [keyed(1)]

  test('of a step', () => {
    const make = step({
      name: 'Make',
      inputs: { customer: Customer },
      output: Sent,
      persist: { scope: 'global', store: own },
      run: () => 1,
    })
    const graphs = [graph({ name: 'post', steps: [make] })]
    expect(() => new World().process({ graphs, codecs })).toThrow(/step "Make" .* which the codecs don't reach/)
  })

  test('of a graph’s defaults', () => {
    const make = step({ name: 'Make', inputs: { customer: Customer }, output: Sent, run: () => 1 })
    const graphs = [graph({ name: 'post', steps: [make], defaults: { persist: { scope: 'global', store: own } } })]
    expect(() => new World().process({ graphs, codecs })).toThrow(/step "Make" .* which the codecs don't reach/)
  })

  test('of the docket’s policy', () => {
    const persist = { scope: 'global', store: own } as const
    expect(() => new World().process({ graphs: [letters().post], codecs, persist })).toThrow(
      /persist keeps results in a store of its own, which the codecs don't reach; take persist.store out/,
    )
  })
})
