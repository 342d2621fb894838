import { load } from '../packages.ts'
import { atMost } from './opponent.ts'
import type { Opponent } from './opponent.ts'

interface AsyncModule {
  auto(tasks: Record<string, unknown>): Promise<Record<string, unknown>>
}

/** caolan/async: the graph as an object of tasks with the names of their dependencies. */
export const asyncAuto: Opponent = {
  name: 'async.auto',
  leavesOut: atMost(5_000, 'one run takes 10 s at 10,000 steps, minutes at 100,000: its queue is quadratic'),
  prepare: async ({ steps }, work) => {
    const { auto } = await load<AsyncModule>('async')
    const tasks = Object.fromEntries(
      steps.map((dependencies, step) => [
        `s${step}`,
        [...dependencies.map((before) => `s${before}`), async () => work(step)],
      ]),
    )
    const last = `s${steps.length - 1}`
    return async () => (await auto(tasks))[last]
  },
}
