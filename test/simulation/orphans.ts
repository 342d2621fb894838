import { isTerminal } from '../../src/core/contracts/statuses.ts'
import { isLeftAlone } from './feature-checks.ts'
import type { Life } from './life.ts'
import type { Simulation } from './run-seed.ts'
import type { SimulatedDocket } from './simulated-docket.ts'

const lookEveryMs = 250

/** Where the store is well, what has lost its owner is found within a second by whoever lives, and can go on with it. */
export function watchOrphans(simulation: Simulation): void {
  const { scheduler, history } = simulation
  const orphans = new Map<Life, { readonly since: number; readonly witnesses: readonly SimulatedDocket[] }>()
  const look = (): void => {
    const { now } = scheduler
    for (const life of history.lives.values()) {
      const witnesses = simulation.workers.filter(
        (docket) =>
          history.versions?.fits(life, [docket]) !== false &&
          (history.moves === undefined || history.moves.placeOf(life) === docket.place),
      )
      const known = orphans.get(life)
      if (isTerminal(life.status) || history.isAlive(life.owner) || isLeftAlone(simulation, life)) orphans.delete(life)
      else if (known === undefined) orphans.set(life, { since: now, witnesses })
      else {
        const left = known.witnesses.filter((docket) => docket.isUsable)
        orphans.set(life, left.length === 0 ? { since: now, witnesses } : { ...known, witnesses: left })
        if (left.length > 0 && now - known.since > 1_000 + simulation.slackMs)
          history.violate(`${life.id} has had no owner for ${now - known.since} ms`)
      }
    }
    scheduler.after(lookEveryMs, look)
  }
  scheduler.after(0, look)
}
