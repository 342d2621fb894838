import { expect, test, vi } from 'vitest'
import { createDocket, dataType, graph, signal, step, subgraph, type, untypedGraph } from '../../src/index.ts'
import type { AnyGraph } from '../../src/index.ts'
import { createTestDocket } from '../../src/testing/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { z } from 'zod'
import { World } from './durable-time.ts'

const Name = dataType('Name', z.string().min(1))
const Letter = dataType('Letter', type<string>())
const Approval = dataType('Approval', type<string>())
const write = step({ name: 'Write', inputs: { name: Name }, output: Letter, run: ({ name }) => `Dear ${name}` })
const letters = graph({ name: 'letters', steps: [write] })

/** A graph that nobody lists: it waits for an approval. */
function waiting(name: string, more: { readonly formerly?: string } = {}): AnyGraph {
  const approve = step({
    name: 'Approve',
    inputs: { name: Name, approval: Approval },
    output: Letter,
    run: ({ name: of, approval }) => `${of} by ${approval}`,
  })
  return graph({ name, steps: [signal(Approval), approve], ...more })
}

function tenants(name: string): AnyGraph | undefined {
  return name.startsWith('tenant-') ? waiting(name) : undefined
}

test('startByName starts what start would, and checks everything at run time', async () => {
  await using docket = createTestDocket({ graphs: [letters] })
  const handle = await docket.startByName(
    'letters',
    'Letter',
    { Name: 'Ada' },
    { id: 'one', headers: { tenant: 'acme' } },
  )
  expect(handle.id).toBe('one')
  expect(await handle.result()).toBe('Dear Ada')
  expect(await (await docket.start(letters, Letter, { Name: 'Ada' }, { id: 'one' })).result()).toBe('Dear Ada')
  await expect(docket.startByName('leters', 'Letter', {})).rejects.toThrow(
    'this docket does not know graph "leters"; did you mean "letters"?',
  )
  await expect(docket.startByName('letters', 'Lettr', {})).rejects.toThrow(
    'no step of graph "letters" produces "Lettr"; did you mean "Letter"?',
  )
  await expect(docket.startByName('letters', 'Name', {})).rejects.toThrow('produces "Name"; it makes: Letter')
  await expect(docket.startByName('letters', 'Letter', {})).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  await expect(docket.startByName('letters', 'Letter', { Name: '' })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
  await expect(docket.startByName('letters', 'Letter', { Name: 'A', Nome: 'B' })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  })
  await expect(docket.startByName(7 as never, 'Letter', {})).rejects.toMatchObject({ code: 'OPTION_INVALID' })
  await expect(docket.startByName('letters', 'Letter', { Name: 'A' }, { idd: 'x' } as never)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
  })
})

test('names that graph and target had before are known too', async () => {
  const Mail = dataType('Mail', type<string>(), { formerly: 'Letter' })
  const mails = graph({
    name: 'mails',
    formerly: 'letters',
    steps: [step({ name: 'Write', inputs: { name: Name }, output: Mail, run: ({ name }) => name })],
  })
  await using docket = createTestDocket({ graphs: [mails] })
  expect(await (await docket.startByName('letters', 'Letter', { Name: 'Ada' })).result()).toBe('Ada')
})

test('interceptors see what is started by name', async () => {
  const seen: string[] = []
  await using docket = createTestDocket({
    graphs: [letters],
    interceptors: [
      {
        start: (call, next) => {
          seen.push(call.graph)
          return next()
        },
      },
    ],
  })
  await docket.startByName('letters', 'Letter', { Name: 'Ada' })
  expect(seen).toEqual(['letters'])
})

test("unknownGraph is called once for a name that it knows, and its graph is the docket's from then on", async () => {
  const unknownGraph = vi.fn(tenants)
  await using docket = createTestDocket({ graphs: [letters], unknownGraph })
  const one = await docket.startByName('tenant-1', 'Letter', { Name: 'Ada' }, { id: 'one' })
  const two = await docket.startByName('tenant-1', 'Letter', { Name: 'Bo' }, { id: 'two' })
  expect(unknownGraph.mock.calls).toEqual([['tenant-1']])
  for (const handle of [one, two]) expect(await handle.signal(Approval, 'Di')).toBe('accepted')
  expect([await one.result(), await two.result()]).toEqual(['Ada by Di', 'Bo by Di'])
  expect(String(docket)).toContain('tenant-1')
  await expect(docket.startByName('other', 'Letter', {})).rejects.toThrow('does not know graph "other"')
})

test('an execution of a graph that nobody lists goes on in another process, once it is found in the store', async () => {
  await using docket = createTestDocket({ graphs: [], unknownGraph: tenants, park: '1h' })
  const one = await docket.startByName('tenant-1', 'Letter', { Name: 'Ada' }, { id: 'one' })
  await docket.restart()
  await one.signal(Approval, 'Di')
  expect(await one.result()).toBe('Ada by Di')
})

test('it goes on though nothing in the new process has named it', async () => {
  const ends: string[] = []
  await using docket = createTestDocket({
    graphs: [],
    unknownGraph: tenants,
    park: '1h',
    observers: [(event) => void (event.type === 'execution.resumed' && ends.push(event.executionId))],
  })
  await docket.startByName('tenant-1', 'Letter', { Name: 'Ada' }, { id: 'one' })
  await docket.restart()
  await docket.advance('30s')
  expect(ends).toEqual(['one'])
})

test('resume looks at all open executions', async () => {
  const store = memoryStore()
  const first = createDocket({ graphs: [], store, unknownGraph: tenants })
  await first.startByName('tenant-1', 'Letter', { Name: 'Ada' }, { id: 'one' })
  await first.close({ drain: false, deadline: 0 })
  await using second = createDocket({ graphs: [letters], store, unknownGraph: tenants })
  await second.resume()
  expect((await (await second.get('one'))!.details()).status).toMatch(/running|waiting/)
})

test('graphs within the given one are known too, and a graph of a former name will do', async () => {
  const inner = waiting('inner')
  const outer = untypedGraph({ name: 'outer', formerly: 'old-outer', steps: [subgraph(inner, Letter)] })
  await using docket = createTestDocket({
    graphs: [],
    unknownGraph: (name) => (name === 'old-outer' ? outer : undefined),
  })
  const handle = await docket.startByName('old-outer', 'Letter', { Name: 'Ada' }, { id: 'one' })
  await docket.advance('1s')
  await (await docket.get('one/inner'))!.signal(Approval, 'Di')
  expect(await handle.result()).toBe('Ada by Di')
})

test('what unknownGraph does wrong is an error of the call, and a warning where nobody calls', async () => {
  let given: unknown = 7
  await using docket = createTestDocket({ graphs: [letters], unknownGraph: () => given as never })
  await expect(docket.startByName('a', 'Letter', {})).rejects.toThrow(
    'unknownGraph must give a graph made by graph(), or undefined, not 7',
  )
  given = waiting('b')
  await expect(docket.startByName('a', 'Letter', {})).rejects.toThrow(
    'unknownGraph was called with "a", and gave graph "b"',
  )
  given = graph({ name: 'a', formerly: 'letters', steps: [write] })
  await expect(docket.startByName('a', 'Letter', {})).rejects.toThrow('graph "a" has executions under "letters"')
  expect(() => createDocket({ graphs: [], store: memoryStore(), unknownGraph: 7 as never })).toThrow(
    'unknownGraph must be a function',
  )
})

test.each(['unknownGraph', 'addGraph'])(
  'what steps of a graph that %s gives come to is on record, as of one that is listed',
  async (way) => {
    const store = memoryStore()
    const own = waiting('tenant-a')
    const more = way === 'unknownGraph' ? { unknownGraph: tenants } : {}
    await using docket = createDocket({ graphs: [letters], store, persist: 'execution', ...more })
    if (way === 'addGraph') docket.addGraph(own)
    const call = { Name: 'Ada' }
    const handle = await docket.startByName('tenant-a', 'Letter', call, { signals: { Approval: 'Eve' } })
    expect(await handle.result()).toBe('Ada by Eve')
    const { steps } = await handle.details()
    expect(steps).toMatchObject([
      { step: 'Approval', status: 'completed', output: 'Eve' },
      { step: 'Approve', status: 'completed', output: 'Ada by Eve' },
    ])
  },
)

test('a graph that is added can be started, is added once, and shares its name with no other', async () => {
  await using docket = createDocket({ graphs: [letters], store: memoryStore() })
  const own = waiting('tenant-a')
  docket.addGraph(own)
  docket.addGraph(own)
  docket.addGraph(letters)
  expect(() => docket.addGraph(waiting('tenant-a'))).toThrow(
    'graph "tenant-a" has executions under "tenant-a", as another graph of this docket has',
  )
  expect(() => docket.addGraph({} as never)).toThrow()
  const handle = await docket.start(own, Letter, { Name: 'Ada' }, { signals: { Approval: 'Eve' } })
  expect(await handle.result()).toBe('Ada by Eve')
})

test('schedules of graphs that nobody lists are fired, too, by a process that is given them by name', async () => {
  const world = new World()
  const hourly = graph({ name: 'tenant-a', steps: [write] })
  const { docket, die } = world.mortal({ graphs: [hourly] })
  await docket.schedule('s', { graph: hourly, target: Letter, inputs: { Name: 'Ada' }, every: '1m' })
  await world.clock.advance(1_000)
  die()
  let isThere = false
  const asked: string[] = []
  const other = world.process({
    graphs: [letters],
    unknownGraph: (name) => {
      asked.push(name)
      return isThere ? graph({ name, steps: [write] }) : undefined
    },
  })
  await world.clock.advance(120_000)
  expect((await other.schedules.get('s'))?.started).toBe(0)
  isThere = true
  await world.clock.advance(120_000)
  expect(new Set(asked)).toEqual(new Set(['tenant-a']))
  expect((await other.list({ graph: 'tenant-a' })).executions).toMatchObject([
    { status: 'completed', output: 'Dear Ada' },
    { status: 'completed' },
  ])
})
