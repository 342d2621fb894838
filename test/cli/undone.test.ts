import { expect, test } from 'vitest'
import { createDocket, dataType, graph, step, type } from '../../src/index.ts'
import { memoryStore } from '../../stores/memory/index.ts'
import { cli } from './call-cli.ts'
import { Approval, openShop, useStore } from './fixtures/shop.ts'

test('docket show has a dash in the place of attempts that are not on record', async () => {
  useStore(memoryStore())
  await cli(['start', 'orders', 'Approved', '-i', 'Order={"id":"1"}', '--id', 'o'])
  await using worker = openShop({})
  expect(await (await worker.get('o'))!.signal(Approval, { by: 'Ada' })).toBe('accepted')
  await (await worker.get('o'))!.result()
  expect((await cli(['show', 'o'])).out).toMatch(/Approve +completed +—$/m)
  expect((await cli(['show', 'o', '--json'])).json[0]?.['steps']).toContainEqual(
    expect.objectContaining({ step: 'Approve', status: 'completed', attempt: null }),
  )
})

test('docket events and docket show have when steps ran that were undone, and when that was', async () => {
  const store = useStore(memoryStore())
  const Seat = dataType('Seat', type<string>())
  const Paid = dataType('Paid', type<string>())
  const book = step({
    name: 'Book',
    inputs: {},
    output: Seat,
    persist: 'execution',
    run: () => '7A',
    compensate: () => {
      throw new Error('nobody answers')
    },
  })
  const pay = step({
    name: 'Pay',
    inputs: { seat: Seat },
    output: Paid,
    persist: 'execution',
    run: (): string => {
      throw new Error('no credit')
    },
  })
  const booking = graph({ name: 'booking', steps: [book, pay] })
  await using docket = createDocket({ graphs: [booking], store })
  await expect(docket.execute(booking, Paid, {}, { id: 'b' })).rejects.toThrow('no credit')
  const { json } = await cli(['events', 'b', '--json'])
  expect(json.filter(({ step: of }) => of === 'Book').map(({ type: what, text }) => [what, text])).toEqual([
    ['step.started', null],
    ['step.completed', null],
    ['undo.started', null],
    ['undo.failed', 'nobody answers'],
  ])
  expect((await cli(['show', 'b'])).out).toMatch(/Book +completed +1 .*undo: failed at \d{4}-.*Z: nobody answers/)
})
