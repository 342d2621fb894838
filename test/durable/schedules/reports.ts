import { z } from 'zod'
import { dataType, graph, signal, step } from '../../../src/index.ts'
import type { Docket, DocketOptions, ExecutionEvent } from '../../../src/index.ts'
import { World } from '../durable-time.ts'

const Shop = dataType('Shop', z.string())
const Day = dataType('Day', z.date())
export const Report = dataType('Report', z.string())
export const Approval = dataType('Approval', z.string())
export const Approved = dataType('Approved', z.string())

export const minute = 60_000
export const hour = 60 * minute
export const day = 24 * hour

/** A graph whose runs are noted, and one whose runs hang until somebody approves. */
export function reportGraphs() {
  const ran: string[] = []
  const reports = graph({
    name: 'reports',
    steps: [
      step({
        name: 'Write',
        inputs: { shop: Shop, day: Day },
        output: Report,
        run: ({ shop, day: at }, { executionId, headers }) => {
          ran.push(`${executionId} ${shop} ${at.toISOString()}${headers['by'] ?? ''}`)
          if (shop === 'broken') throw new Error('no shop')
          return `report of ${shop}`
        },
      }),
    ],
  })
  const approvals = graph({
    name: 'approvals',
    steps: [
      signal(Approval),
      step({ name: 'Approve', inputs: { approval: Approval }, output: Approved, run: ({ approval }) => approval }),
    ],
  })
  return { ran, reports, approvals }
}

/** A world whose time begins at a round moment, with one process. */
export function reportWorld(start = '2026-03-01T00:00:00Z', more: Partial<DocketOptions> = {}) {
  const world = new World()
  const graphs = reportGraphs()
  const offset = Date.parse(start) - world.clock.now()
  world.clock.setTimeOfDay(offset)
  const process = (options: Partial<DocketOptions> = {}): Docket =>
    world.process({ graphs: [graphs.reports, graphs.approvals], ...more, ...options })
  return { world, ...graphs, process, docket: process() }
}

/** What happened to schedules. */
export function scheduleEvents(world: World): readonly string[] {
  return world.events.flatMap((event: ExecutionEvent) =>
    event.type.startsWith('schedule.') ? [`${event.type} ${event.executionId}`] : [],
  )
}
