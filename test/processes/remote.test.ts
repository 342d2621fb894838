import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createDocket } from '../../src/index.ts'
import { freePort } from '../servers/free-port.ts'
import { spawnWorker } from './child-worker.ts'
import { placeMaker } from './place.ts'
import type { Place } from './place.ts'
import { chargesWith } from './remote-process.ts'
import type { Moment, RemoteOrder } from './remote-process.ts'

const newPlace = await placeMaker()

/** Two services over stores of their own, each of which dies at these moments, one after the other, and is started again each time. */
async function runServices(
  places: { readonly orders: Place; readonly billing: Place },
  moments: { readonly orders: readonly Moment[]; readonly billing: readonly Moment[] },
  { poll, payMs }: Pick<RemoteOrder, 'poll' | 'payMs'>,
) {
  const folder = mkdtempSync(join(tmpdir(), 'docket-remote-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const ledger = join(folder, 'ledger')
  const ports = { orders: await freePort(), billing: await freePort() }
  let isOver = false
  const died: string[] = []
  const keep = async (role: RemoteOrder['role'], onResult?: (result: string) => void): Promise<void> => {
    for (const diesAt of [...moments[role], undefined]) {
      if (isOver) return
      const order: RemoteOrder = { role, address: places[role].address, ports, ledger, diesAt, poll, payMs }
      const worker = spawnWorker(order, {}, 'remote-process.ts')
      if (onResult !== undefined) void worker.said('result receipt of o-1').then(() => onResult('receipt of o-1'))
      await worker.exit
      if (diesAt !== undefined && worker.lines.includes(`dies at ${diesAt}`)) died.push(diesAt)
    }
  }
  const result = await new Promise<string>((resolve) => {
    void keep('billing')
    void keep('orders', resolve)
  })
  isOver = true
  const billing = createDocket({
    graphs: [chargesWith(() => Promise.resolve())],
    takeOver: false,
    store: places.billing.createStore(),
  })
  onTestFinished(() => billing.close({ deadline: 0 }))
  const { executions } = await billing.list({ graph: 'charges' })
  return { result, died, executions, paid: existsSync(ledger) ? readFileSync(ledger, 'utf8') : '' }
}

describe('two services', () => {
  test('charge an order once, whenever either of them is killed', async () => {
    const moments = {
      orders: ['intent', 'called', 'waiting', 'callback', 'posted'],
      billing: ['received', 'begun', 'paying', 'paid'],
    } as const
    const all = [...moments.orders, ...moments.billing].toSorted()
    // On a busy machine it may be paid before anybody comes to wait for that: then it is to take longer.
    for (const payMs of [2_500, 10_000]) {
      const places = { orders: await newPlace('sqlite'), billing: await newPlace('postgres') }
      const { result, died, executions, paid } = await runServices(places, moments, { poll: '1h', payMs })
      expect(result).toBe('receipt of o-1')
      expect(paid).toBe('o-1\n')
      expect(executions).toMatchObject([{ status: 'completed' }])
      if (payMs < 10_000 && died.length < all.length) continue
      expect(died.toSorted()).toEqual(all)
      return
    }
  })

  test('whose callback is lost come to the same outcome by a poll', async () => {
    const places = { orders: await newPlace('redis'), billing: await newPlace('sqlite') }
    // It dies while it takes the callback, and billing before it can try again.
    const moments = { orders: ['callback'], billing: ['paying'] } as const
    const { result, executions, paid } = await runServices(places, moments, { poll: '400ms', payMs: 0 })
    expect(result).toBe('receipt of o-1')
    expect(paid).toBe('o-1\n')
    expect(executions).toMatchObject([{ status: 'completed' }])
  })
})
