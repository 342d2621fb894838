import { Broadcasts } from './broadcasts.ts'
import type { Features } from './features.ts'
import type { History } from './history.ts'
import { Letters } from './letters.ts'
import { Looks } from './lookers.ts'
import { MachineLedger } from './machine-ledger.ts'
import { Moves } from './moves.ts'
import { noteName, Notes } from './notes.ts'
import type { SimulatedBatch } from './random-batch.ts'
import { Requests } from './requests.ts'
import { Firings } from './schedules.ts'
import type { SimulatedSchedule } from './schedules.ts'
import type { SimulatedGraph } from './simulated-step.ts'
import { OperatedQueues } from './operators.ts'
import { StartKeys } from './start-keys.ts'
import { Timetable } from './timetables.ts'
import { Versions } from './version-ledger.ts'

/** What a world has that is judged. */
interface JudgedWorld {
  readonly features: Features
  readonly graphs: readonly SimulatedGraph[]
  readonly batches: ReadonlyMap<string, SimulatedBatch>
  readonly schedules: readonly SimulatedSchedule[]
  /** Whether a process may be taken for dead while it is at work. */
  readonly isDisturbed: boolean
  /** Whether each call is answered soon. */
  readonly isPrompt: boolean
}

/** Has a history judge all that its world has besides executions of steps. */
export function addLedgers(history: History, world: JudgedWorld): void {
  const { features, graphs, batches, schedules, isDisturbed } = world
  const steps = graphs.flatMap((graph) => graph.steps)
  if (features.hasTimetable) history.timetable = new Timetable(history, schedules, world.isPrompt)
  else if (schedules.length > 0) history.firings = new Firings(history, schedules[0]!)
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
  if (features.hasLookers) history.looks = new Looks(history)
  if (features.hasOperators) history.operated = new OperatedQueues(history, world.isPrompt)
  if (features.hasEvents) history.broadcasts = new Broadcasts(history, graphs)
}
