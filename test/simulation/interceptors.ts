import { RefusedError } from '../../src/index.ts'
import type { Interceptor } from '../../src/index.ts'
import type { RandomSource } from './random-source.ts'
import type { SimulatedProcess } from './simulated-process.ts'

/** What stands around all that a docket does: it takes its time, and refuses some of what users ask for. */
export function randomInterceptor(random: RandomSource, process: SimulatedProcess): Interceptor {
  const pass = async <Given>(next: () => Promise<Given>): Promise<Given> => {
    const before = random.pick([0, 0, 1, 30])
    const after = random.pick([0, 0, 0, 30])
    if (before > 0) await process.sleep(before)
    const given = await next()
    if (after > 0) await process.sleep(after)
    return given
  }
  const asked = <Given>(next: () => Promise<Given>): Promise<Given> =>
    random.chance(0.05) ? Promise.reject(new RefusedError('it is refused')) : pass(next)
  return {
    start: (call, next) => (call.by === 'call' ? asked(() => next()) : pass(() => next())),
    step: (_, next) => pass(async () => next()),
    compensate: (_, next) => pass(() => next()),
    signal: (_, next) => asked(() => next()),
    update: (_, next) => asked(() => next()),
    emit: (_, next) => asked(() => next()),
    cancel: (_, next) => pass(() => next()),
  }
}
