import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { postgresStore } from '../../stores/postgres/index.ts'

test('a server of another kind, which waits for other words, is named, and not the pool', async () => {
  const sockets: Socket[] = []
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    vi.useRealTimers()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const store = postgresStore(`postgres://127.0.0.1:${port}/none`)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let isOver = false
  const opening = store.open().catch((error: unknown) => error)
  void opening.then(() => (isOver = true))
  // What is apart from the pool is given up first.
  for (let seconds = 0; seconds < 60; seconds++) {
    for (let turns = 0; turns < 50; turns++) await turn()
    if (isOver) break
    await vi.advanceTimersByTimeAsync(1_000)
  }
  expect(await opening).toMatchObject({
    code: 'STORE_FAILED',
    isTransient: true,
    message: `postgres store: no connection could be made within 10000 ms: what listens at 127.0.0.1:${port}/none does not answer; is it the postgres server, and are host and port right?`,
  })
}, 15_000)
