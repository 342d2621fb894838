import type { ValueEncoding } from '../../core/values/value-encoding.ts'
import type { Execution } from '../../runtime/execution/execution.ts'
import type { StepState } from '../../runtime/execution/step-state.ts'
import { isHashOfPort } from '../records/race-winner.ts'
import { hashOfFirst, inputHashOf } from './record-of-run.ts'

/** A step that ran again after a restart: does what others have made of its old value still fit? An event says of each that doesn't. */
export function reportChangedInputs(
  run: StepState,
  hashes: ReadonlyMap<string, string>,
  execution: Execution,
  encoding: ValueEncoding,
): void {
  const { plan, runs, values, emitter, clock } = execution
  if (emitter === undefined) return
  const report = ({ step }: StepState): void =>
    emitter.durable(clock.now(), { type: 'step.inputs-changed', step, item: undefined })
  for (const position of plan.dependants[run.planStep.outputSlot]!) {
    const dependant = runs[position]
    const hash = dependant === undefined ? undefined : hashes.get(dependant.step)
    if (dependant?.hasOutput !== true || hash === undefined) continue
    if (dependant.planStep.portSlots.some((slot) => values[slot] === undefined)) continue
    if (inputHashOf(dependant, encoding) !== hash) report(dependant)
  }
  for (const position of plan.racers?.[run.planStep.outputSlot] ?? []) {
    const decided = runs[position]
    const hash = decided === undefined ? undefined : hashes.get(decided.step)
    if (decided?.hasOutput !== true || hash === undefined) continue
    const { portNames, portSlots } = decided.planStep
    const port = portNames[portSlots.indexOf(run.planStep.outputSlot)]!
    const first = { port, value: values[run.planStep.outputSlot] }
    if (isHashOfPort(hash, port) && hashOfFirst(first, encoding) !== hash) report(decided)
  }
}
