import { expect, test } from 'vitest'
import type { Docket } from '../../../src/index.ts'
import { alteredStore } from '../altered-store.ts'
import { outage } from '../watched-store.ts'
import { RandomSource } from '../../simulation/random-source.ts'
import { Report, reportWorld } from './reports.ts'

const seeds = Array.from({ length: 8 }, (_, index) => index + 1)
const fragile = new Set(['takeSchedules', 'changeSchedules', 'addSchedules', 'getSchedules', 'nextSchedule', 'create'])

test.each(seeds)(
  'whatever dies, loses answers, is declared again or sets clocks, each nominal time has one run (seed %i)',
  async (seed) => {
    const random = new RandomSource(seed)
    const { world, docket, reports, approvals, process } = reportWorld()
    const { clock } = world
    await clock.settle(docket.close())
    // Some calls never reach the store, the answers of others are lost.
    const store = alteredStore(world.store, async (method, ask) => {
      if (!fragile.has(method) || !random.chance(0.1)) return ask()
      if (random.chance(0.5)) await ask()
      throw outage()
    })
    const declared = { graph: reports, target: Report, nominalTime: 'Day', every: '5s' } as const
    const policy = { overlap: 'allowAll', catchUp: { max: 1_000 } } as const
    const stable = process({ takeOver: false })
    const info = await clock.settle(stable.schedule('s', { ...declared, ...policy, inputs: { Shop: 'a' } }))
    const lives: { readonly docket: Docket; die(): void }[] = []
    let shift = 0
    for (let moment = 0; moment < 60; moment++) {
      const deed = random.int(0, 6)
      if (deed === 0 && lives.length < 4) lives.push(world.mortal({ graphs: [reports, approvals], lease: '1s' }, store))
      else if (deed === 1 && lives.length > 0) lives.splice(random.int(0, lives.length - 1), 1)[0]!.die()
      else if (deed === 2 && lives.length > 0) {
        const inputs = { Shop: random.chance(0.5) ? 'a' : 'b' }
        const { docket: one } = lives[0]!
        void one.schedule('s', { ...declared, ...policy, inputs }).catch(() => {})
      } else if (deed === 3) {
        const by = random.int(-10, 10) * 1_000
        shift += by
        clock.setTimeOfDay(by)
      }
      await clock.advance(random.int(0, 1_500))
    }
    for (const life of lives) life.die()
    if (shift < 0) clock.setTimeOfDay(-shift)
    const last = process({ lease: '1s' })
    await clock.advance(20_000)
    const { schedules } = await clock.settle(last.schedules.list())
    const lastAt = schedules[0]!.lastAt!.getTime()
    const expected: string[] = []
    for (let time = info.nextAt!.getTime(); time <= lastAt; time += 5_000)
      expected.push(`s/${new Date(time).toISOString()}`)
    expect(expected.length).toBeGreaterThan(5)
    const { executions } = await clock.settle(last.list({ limit: 1_000 }))
    expect(executions.map(({ id }) => id).toSorted()).toEqual(expected)
    expect(executions.filter(({ status }) => status !== 'completed')).toEqual([])
    await clock.settle(Promise.all([stable.close(), last.close()]))
  },
)
