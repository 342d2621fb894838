import { describe, expect, test } from 'vitest'
import { createDocket, graph, OptionError, subgraph } from '../../src/index.ts'
import type { Docket } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { door, Visits } from '../runtime/machines/door.ts'
import { never, rejectionOf, thrownBy } from '../loose-api.ts'
import { World } from './durable-time.ts'
import { line, Third } from './line.ts'
import { WatchedStore } from './watched-store.ts'

const { line: known } = line()

describe('createDocket refuses', () => {
  const looseCreate = createDocket as (options: unknown) => Docket
  const good = { graphs: [known], store: memoryStore() }
  const wrong: Readonly<Record<string, readonly [options: unknown, message: string]>> = {
    'no options': [undefined, 'options must be an object'],
    'an unknown name, and says which was meant': [{ ...good, leese: '5s' }, 'lease'],
    'no graphs, unless it takes nothing over': [
      { ...good, graphs: [] },
      'add takeOver: false for a docket that only lists',
    ],
    'graphs that are no array': [{ ...good, graphs: known }, 'graphs must be an array'],
    'what is no graph': [{ ...good, graphs: [{ name: 'x' }] }, 'made by graph()'],
    'one graph twice': [{ ...good, graphs: [known, known] }, 'graph "line" is listed twice'],
    'two graphs of one name': [{ ...good, graphs: [known, line().line] }, 'two graphs are named "line"'],
    'no store': [{ graphs: [known] }, 'store must be a store'],
    'a store of an older contract': [
      { ...good, store: { name: 'mine', claimResults: () => {}, post: () => {} } },
      'readMail, readReceipts, listMail, readOutbox, confirmOutbox, emit, awaitEvents',
    ],
    'a lease that is no duration': [{ ...good, lease: 'soon' }, 'lease'],
    'a lease that is too short': [{ ...good, lease: 10 }, 'at least 100 ms'],
    'an unknown scope': [{ ...good, persist: 'globl' }, 'persist'],
    'no recoveries at all': [{ ...good, maxRecoveries: 0 }, 'maxRecoveries'],
    'half a byte': [{ ...good, maxValueBytes: 0.5 }, 'maxValueBytes'],
    'a takeOver that is a text': [{ ...good, takeOver: 'yes' }, 'takeOver'],
    'a migration that is no function': [{ ...good, migrate: { line: 1 } }, 'migrate'],
    'a migration of a graph that it does not have': [{ ...good, migrate: { lines: () => undefined } }, 'lines'],
    'observers that are no array': [{ ...good, observers: () => {} }, 'observers'],
    'an empty name': [{ ...good, name: '' }, 'name'],
    'codecs that are no array': [{ ...good, codecs: {} }, 'codecs'],
    'a clock without timers': [{ ...good, clock: {} }, 'clock'],
    'a number as randomness': [{ ...good, random: 4 }, 'random'],
    'a logger that can’t log': [{ ...good, logger: {} }, 'logger'],
  }
  test.each(Object.keys(wrong))('%s', (title) => {
    const [options, message] = wrong[title]!
    const error = thrownBy(() => looseCreate(options))
    expect(error).toBeInstanceOf(OptionError)
    expect(String(error)).toContain(message)
  })

  test('a store that keeps no checkpoints, where a graph has a step that needs them, and nowhere else', () => {
    const store = Object.assign(memoryStore(), { readCheckpoints: undefined })
    expect(createDocket({ graphs: [known], store })).toBeDefined()
    const visits = graph({ name: 'visits', steps: [door] })
    const nested = graph({ name: 'street', steps: [subgraph(visits, Visits)] })
    for (const graphs of [[visits], [known, nested]])
      expect(String(thrownBy(() => createDocket({ graphs, store })))).toContain(
        'store lacks readCheckpoints, without which step "Door" of graph "visits"',
      )
  })

  test('all that is wrong at once', () => {
    const error = String(thrownBy(() => looseCreate({ graphs: [], store: 1, lease: 'soon' })))
    for (const part of ['graphs', 'store', 'lease']) expect(error).toContain(part)
  })
})

describe('a call with wrong options is refused with an OptionError, and asks the store for nothing', () => {
  const wrong: Readonly<Record<string, readonly [call: (docket: Docket) => Promise<unknown>, message: string]>> = {
    'start: an unknown name': [(docket) => docket.start(known, Third, { Seed: 1 }, { idd: 'a' } as never), 'idd'],
    'start: an empty id': [(docket) => docket.start(known, Third, { Seed: 1 }, { id: '' }), 'id must be'],
    'start: a timeout of nothing': [(docket) => docket.start(known, Third, { Seed: 1 }, { timeout: 0 }), 'timeout'],
    'start: a deadline that is no time': [
      (docket) => docket.start(known, Third, { Seed: 1 }, { deadline: new Date('tomorrow') }),
      'deadline must be a Date',
    ],
    'start: a transaction that the store does not have': [
      (docket) => docket.start(known, Third, { Seed: 1 }, { transaction: {} }),
      'has no transactions',
    ],
    'start: a clock': [(docket) => docket.start(known, Third, { Seed: 1 }, { clock: {} } as never), 'clock'],
    'execute: an unknown name': [(docket) => docket.execute(known, Third, { Seed: 1 }, { idd: 'a' } as never), 'idd'],
    'execute: headers that are no texts': [
      (docket) => docket.execute(known, Third, { Seed: 1 }, { id: 'a', headers: { x: 1 } } as never),
      'header "x"',
    ],
    'list: an unknown status': [(docket) => docket.list({ status: 'done' } as never), 'status'],
    'list: a status that is no text': [(docket) => docket.list({ status: 7 } as never), 'status'],
    'list: an unknown name': [(docket) => docket.list({ state: 'failed' } as never), 'state'],
    'list: a limit of nothing': [(docket) => docket.list({ limit: 0 }), 'limit'],
    'list: a time that is none': [(docket) => docket.list({ from: new Date(NaN) }), 'from'],
    'list: a page of nowhere': [(docket) => docket.list({ after: 'x' }), 'after'],
    'purge: no duration': [(docket) => docket.purge({ olderThan: 'long' as never }), 'olderThan'],
    'purge: an unknown status': [(docket) => docket.purge({ olderThan: '1s', status: 'running' as never }), 'status'],
    'purge: an unknown name': [(docket) => docket.purge({ olderThan: '1s', statuses: [] } as never), 'statuses'],
    'fork: an unknown name': [(docket) => docket.fork('a', { from: 'First', name: 'b' } as never), 'name'],
    'fork: an empty id': [(docket) => docket.fork('a', { from: 'First', id: '' }), 'id must be'],
    'fork: no step': [(docket) => docket.fork('a', {} as never), 'from'],
    'close: no duration': [(docket) => docket.close({ deadline: 'soon' as never }), 'deadline'],
    'close: an unknown name': [(docket) => docket.close({ dedline: '1s' } as never), 'dedline'],
  }
  test.each(Object.keys(wrong))('%s', async (title) => {
    const world = new World()
    const watched = new WatchedStore(world.store)
    const docket = world.process({ graphs: [known], store: watched.store })
    const [call, message] = wrong[title]!
    const error = await rejectionOf(call(docket))
    expect(error).toBeInstanceOf(OptionError)
    expect(String(error)).toContain(message)
    expect(watched.calls).toEqual([])
  })

  test('logic: at once', () => {
    const docket = new World().process({ graphs: [known] })
    expect(() => docket.logic(known, Third, { id: '' })).toThrow(OptionError)
    expect(() => docket.logic(known, Third, { signal: new AbortController().signal } as never)).toThrow('signal')
  })
})

describe('a docket without graphs', () => {
  test('lists, shows, cancels and deletes what others run, and goes on with nothing', async () => {
    const world = new World()
    const { line: graph } = line({ second: { run: () => never<number>() } })
    const docket = world.process({ graphs: [graph] })
    for (const id of ['a', 'b']) await docket.start(graph, Third, { Seed: 1 }, { id })
    await world.clock.advance(10)
    const looker = world.process({ graphs: [], takeOver: false })
    const { executions } = await looker.list({ graph: 'line' })
    expect(executions.map(({ id, status }) => `${id} ${status}`)).toEqual(['b running', 'a running'])
    const { steps } = await (await looker.get('a'))!.details()
    expect(steps.map(({ step, status }) => `${step} ${status}`)).toEqual(['First completed'])
    await world.clock.settle(looker.cancel('a'))
    await world.clock.settle(looker.delete('b'))
    await world.clock.advance(1_000)
    expect((await looker.list()).executions.map(({ id, status }) => `${id} ${status}`)).toEqual(['a cancelled'])
    expect(await looker.resume()).toBe(0)
    await world.clock.settle(docket.close({ deadline: 0 }))
    await world.clock.advance(1_000)
    expect(await world.clock.settle(looker.purge({ olderThan: 0 }))).toBe(1)
    expect(world.events.filter(({ type }) => type === 'execution.resumed')).toEqual([])
    expect(String(looker)).toContain('graphs: none')
    await expect(looker.start(graph, Third, { Seed: 1 })).rejects.toThrow('which has: none')
    await looker.close({ deadline: 0 })
  })
})

describe('a graph that the docket was not given', () => {
  const { line: stranger } = line({ name: 'stranger' })
  const docket = new World().process({ graphs: [known] })

  test('is refused with its name, and what the docket has', async () => {
    for (const call of [
      docket.start(stranger, Third, { Seed: 1 }, { id: 'a' }),
      docket.execute(stranger, Third, { Seed: 1 }),
    ]) {
      const error = await rejectionOf(call)
      expect(error).toBeInstanceOf(OptionError)
      expect(String(error)).toContain('"stranger"')
      expect(String(error)).toContain('which has: line')
    }
    expect(() => docket.logic(stranger, Third)).toThrow('"stranger"')
  })

  test('is not mistaken for another of its name', async () => {
    await expect(docket.start(line().line, Third, { Seed: 1 })).rejects.toThrow('another graph named "line"')
  })
})
