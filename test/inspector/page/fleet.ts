import type { FleetView } from '../../../src/inspector/fleet-protocol.ts'
import { ago } from './step-views.ts'

/** Workers, queues and schedules, some of them in trouble. */
export const fleet: FleetView = {
  workers: [
    {
      id: '7f3a91c2',
      name: 'api-1',
      version: '2026.11.3',
      startedAt: ago(9_000_000),
      seenAt: ago(2_000),
      running: 12,
      queues: { default: 16, bulk: 4 },
    },
    {
      id: '0be4d8f1',
      name: 'api-2',
      version: '2026.11.3',
      startedAt: ago(8_000_000),
      seenAt: ago(1_000),
      running: 16,
      queues: { default: 16 },
    },
  ],
  queues: [
    { name: 'default', isPaused: false, ready: 3, running: 28, oldestReadyMs: 1_240 },
    {
      name: 'bulk',
      isPaused: false,
      ready: 1_482,
      running: 4,
      oldestReadyMs: 845_000,
      limits: '4 at once, 10 in 1s',
    },
    { name: 'mail', isPaused: true, ready: 17, running: 0, oldestReadyMs: 3_600_000 },
  ],
  schedules: [
    {
      name: 'nightly-report',
      graph: 'nightly-report',
      target: 'Report',
      isPaused: false,
      nextAt: ago(-5_400_000),
      lastAt: ago(81_000_000),
      cadence: '0 3 * * * Europe/Berlin',
    },
    { name: 'cleanup', graph: 'cleanup', target: 'Cleaned', isPaused: true, cadence: 'every 15 min' },
  ],
  health: {
    isAlive: true,
    isReady: true,
    storeMs: 4,
    engine: { name: 'bullmq', delivers: false, problem: 'bullmq engine: can’t reach redis at 10.0.3.4:6379' },
    overruled: ['queue "bulk": concurrency 4 is declared in version 7, and 2 here in version 6'],
    problems: ['1,482 executions of queue "bulk" are ready and wait for a slot; the oldest for 14 min'],
  },
  incompatible: [
    { id: 'ord_old', reasons: ['step "Pack" was removed, and has a record', 'type "Order" has version 2'] },
  ],
}
