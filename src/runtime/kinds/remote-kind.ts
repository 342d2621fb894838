import { provideWork } from '../../core/graph/kind-works.ts'
import { remoteStep } from '../steps/remote-step.ts'

/** Makes it known how steps of other services work: what declares one brings that with it. */
export function provideRemoteKind(): void {
  provideWork('remote', remoteStep)
}
