import { provideWork } from '../../core/graph/kind-works.ts'
import { durableStep } from '../steps/durable-step.ts'
import { eventStep } from '../steps/event-step.ts'
import { machineStep } from '../steps/machine-step.ts'
import { remoteStep } from '../steps/remote-step.ts'
import { signalStep } from '../steps/signal-step.ts'
import { timerStep } from '../steps/timer-step.ts'

/** Makes all kinds of steps known: for what goes on with executions of others, and for what declares steps of any kind. */
export function provideEveryKind(): void {
  provideWork('timer', timerStep)
  provideWork('signal', signalStep)
  provideWork('event', eventStep)
  provideWork('machine', machineStep)
  provideWork('durable', durableStep)
  provideWork('remote', remoteStep)
}
