import { expect, test } from 'vitest'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'

const inputs = { Seed: 1 }

test('an earlier attempt that comes late changes nothing that others have seen', async () => {
  const world = new World()
  const gates = [door(), door()]
  let turn = 0
  const { line: graph } = line({
    first: { timeout: '1s', retry: { maxAttempts: 2 }, run: () => gates[turn++]!.promise },
    second: { run: (value) => (value === 20 ? door().promise : value) },
  })
  const docket = world.process({ graphs: [graph] })
  const handle = await docket.start(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(1_500)
  gates[1]!.resolve(20)
  await world.clock.advance(10)
  gates[0]!.resolve(10)
  await world.clock.advance(10)
  const { steps } = await handle.details()
  expect(steps.find(({ step: name }) => name === 'First')).toMatchObject({ status: 'completed', output: 20 })
})

test('what an earlier attempt brings late, while the next one runs, holds', async () => {
  const world = new World()
  const gates = [door(), door()]
  let turn = 0
  const { line: graph } = line({
    first: { timeout: '1s', retry: { maxAttempts: 2 }, run: () => gates[turn++]!.promise },
  })
  const docket = world.process({ graphs: [graph] })
  const result = docket.execute(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(1_500)
  gates[0]!.resolve(10)
  await world.clock.advance(10)
  gates[1]!.resolve(20)
  expect(await world.clock.settle(result)).toBe(12)
})

test('it holds if the next one fails: what is on record is what the step comes to', async () => {
  const world = new World()
  const gates = [door(), door()]
  let turn = 0
  const { line: graph } = line({
    first: { timeout: '1s', retry: { maxAttempts: 3 }, run: () => gates[turn++]!.promise },
  })
  const docket = world.process({ graphs: [graph] })
  const result = docket.execute(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(1_500)
  gates[0]!.resolve(10)
  await world.clock.advance(10)
  gates[1]!.reject(new Error('no'))
  expect(await world.clock.settle(result)).toBe(12)
  expect(turn).toBe(2)
})

test('it does not if it can’t be written: the next attempt goes on', async () => {
  const world = new World()
  const gates = [door(), door(), door()]
  let turn = 0
  const { line: graph } = line({
    first: { timeout: '1s', retry: { maxAttempts: 3 }, run: () => gates[turn++]!.promise },
  })
  const docket = world.process({ graphs: [graph] })
  const result = docket.execute(graph, Third, inputs, { id: 'a' })
  await world.clock.advance(1_500)
  gates[0]!.resolve((() => {}) as never)
  gates[1]!.reject(new Error('no'))
  await world.clock.advance(10)
  expect(turn).toBe(3)
  gates[2]!.resolve(20)
  expect(await world.clock.settle(result)).toBe(22)
})
