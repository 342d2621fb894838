import { expect, test } from 'vitest'
import { z } from 'zod'
import type { ExecutionCommit } from '../../src/core/contracts/execution-record.ts'
import { StoreError, dataType, graph, signal, step, type } from '../../src/index.ts'
import { alteredStore } from './altered-store.ts'
import { World } from './durable-time.ts'

const Approval = dataType('Approval', z.object({ by: z.string() }))
/** The same, as a process knows it that does not have the graph. */
const Loose = dataType('Approval', z.object({}).loose())
const Verdict = dataType('Verdict', type<string>())

const approved = graph({
  name: 'approved',
  steps: [
    signal(Approval),
    step({
      name: 'Decide',
      inputs: { approval: Approval },
      output: Verdict,
      run: ({ approval }) => `yes, ${approval.by}`,
    }),
  ],
})

test('a signal that was set aside and is sent again under its id is the same one: it has no effect, and keeps no other one back', async () => {
  const world = new World()
  const docket = world.process({ graphs: [approved] })
  const handle = await world.clock.settle(docket.start(approved, Verdict, {}, { id: 'a' }))
  const other = world.process({ graphs: [], takeOver: false })
  const found = await world.clock.settle(other.get('a'))
  const send = (by: unknown, id: string) => world.clock.settle(found!.signal(Loose, { by }, { id }))
  expect(await send(7, 'one')).toBe('accepted')
  await world.clock.advance(2_000)
  // What it has become is what it stays, also where it would fit by now.
  expect(await send(7, 'one')).toBe('accepted')
  expect(await send('Eve', 'one')).toBe('accepted')
  await world.clock.advance(2_000)
  expect(world.events.filter((event) => event.type === 'signal.set-aside')).toHaveLength(1)
  expect(await send('Ada', 'two')).toBe('accepted')
  expect(await send('Eve', 'one')).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toBe('yes, Ada')
})

test('a signal that took the place of one that was set aside keeps it, however often the answer is lost', async () => {
  const Go = dataType('Go', z.object({}))
  const both = graph({
    name: 'both',
    steps: [
      signal(Approval),
      signal(Go),
      step({
        name: 'Decide',
        inputs: { approval: Approval, go: Go },
        output: Verdict,
        run: ({ approval }) => `yes, ${approval.by}`,
      }),
    ],
  })
  const world = new World()
  const seen: string[] = []
  let isCut = true
  const store = alteredStore(world.store, async (method, ask, given) => {
    const answer = await ask()
    if (method !== 'commit') return answer
    const [commits] = given as [readonly ExecutionCommit[]]
    const consumed = commits.flatMap((commit) => commit.consumed ?? [])
    if (!isCut || consumed.length === 0) return answer
    seen.push(consumed.join())
    throw new StoreError('memory', 'the answer is lost', true)
  })
  const docket = world.process({ graphs: [both], store })
  const handle = await world.clock.settle(docket.start(both, Verdict, {}, { id: 'a' }))
  const other = world.process({ graphs: [], takeOver: false })
  const found = await world.clock.settle(other.get('a'))
  const send = (by: unknown) => world.clock.settle(found!.signal(Loose, { by }))
  expect(await send(7)).toBe('accepted')
  while (seen.length < 2) await world.clock.advance(100)
  expect(await send('Ada')).toBe('accepted')
  // By now, one commit has what both have led to.
  while (seen.at(-1) === seen[0] || seen.at(-1) !== seen.at(-2)) await world.clock.advance(100)
  expect(await send('Eve')).toBe('duplicate')
  isCut = false
  await world.clock.advance(5_000)
  expect(await send('Eve')).toBe('duplicate')
  expect(await world.clock.settle(handle.signal(Go, {}))).toBe('accepted')
  expect(await world.clock.settle(handle.result())).toBe('yes, Ada')
})
