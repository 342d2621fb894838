import { Broadcasts } from './broadcasts.ts'
import type { Features } from './features.ts'
import type { History } from './history.ts'
import { Letters } from './letters.ts'
import { MachineLedger } from './machine-ledger.ts'
import { Moves } from './moves.ts'
import { noteName, Notes } from './notes.ts'
import type { SimulatedBatch } from './random-batch.ts'
import { Requests } from './requests.ts'
import { Firings } from './schedules.ts'
import type { SimulatedSchedule } from './schedules.ts'
import type { SimulatedGraph } from './simulated-step.ts'
import { StartKeys } from './start-keys.ts'
import { Versions } from './version-ledger.ts'

/** What a world has that is judged. */
interface JudgedWorld {
  readonly features: Features
  readonly graphs: readonly SimulatedGraph[]
  readonly batches: ReadonlyMap<string, SimulatedBatch>
  readonly schedule: SimulatedSchedule | undefined
  /** Whether a process may be taken for dead while it is at work. */
  readonly isDisturbed: boolean
}

/** Has a history judge all that its world has besides executions of steps. */
export function addLedgers(history: History, world: JudgedWorld): void {
  const { features, graphs, batches, schedule, isDisturbed } = world
  const steps = graphs.flatMap((graph) => graph.steps)
  if (schedule !== undefined) history.firings = new Firings(history, schedule)
  if (features.hasWaits) {
    history.hasStoreTime = true
    history.letters = new Letters(history, graphs, batches)
  }
  if (features.hasMachines) history.machines = new MachineLedger(history, graphs, batches)
  if (features.hasVerbs) history.notes = new Notes(history, steps.map(noteName), batches)
  if (features.hasUpdates) history.requests = new Requests(history, graphs, batches)
  if (features.hasKeys) history.keys = new StartKeys(history, isDisturbed)
  if (features.hasStores) history.moves = new Moves(history)
  if (features.hasVersions) history.versions = new Versions(history, graphs)
  if (features.hasEvents) history.broadcasts = new Broadcasts(history, graphs)
}
