import { expect, test } from 'vitest'
import { memoryStore } from '../../stores/memory/index.ts'
import { alteredStore } from '../durable/altered-store.ts'
import { cli } from './call-cli.ts'
import { useStore } from './fixtures/shop.ts'

test('queues list shows that nothing is known of a time that is none', async () => {
  const oldest = { ready: 1, running: 0, waiting: 0, overdue: 0, oldestReadyAt: Number.NaN }
  useStore(alteredStore(memoryStore(), (method, ask) => (method === 'backlog' ? Promise.resolve([oldest]) : ask())))
  const { out } = await cli(['queues', 'list', 'default'])
  expect(out).not.toContain('NaN')
  expect(out).toMatch(/active +1 +0 +0 +0 +\?/)
})
