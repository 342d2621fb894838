import type { Duration } from '../core/duration.ts'
import { DocketClosedError } from '../core/errors.ts'
import { atMost, sleep } from '../runtime/environment/clock.ts'
import type { BackgroundLoop } from './background-loop.ts'
import { closedWhileWaiting } from './context/closed-while-waiting.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { Delivery } from './mail/delivery.ts'
import type { Owned, Release } from './ownership/owned.ts'
import type { Scan } from './recovery/scan.ts'
import type { ScheduleLoop } from './schedules/schedule-loop.ts'
import type { EngineWork } from './engine/engine-work.ts'
import type { EphemeralExecutions } from './start/ephemeral-executions.ts'

/** How a docket is closed. */
export interface CloseOptions {
  /** For how long executions of this process may go on; what has not ended by then is handed over. @default '10s' */
  readonly deadline?: Duration | undefined
  /** Whether executions go on to their end; with `false`, running steps end, and no further ones begin. @default true */
  readonly drain?: boolean | undefined
}

/** Parts of a docket that do something by themselves. */
export interface ClosingParts {
  readonly loop: BackgroundLoop
  readonly scan: Scan
  readonly ephemeral: EphemeralExecutions
  readonly delivery: Delivery
  readonly scheduleLoop: ScheduleLoop
  readonly engine: EngineWork | undefined
}

const lookEveryMs = 10

/** Lets what runs go on until the deadline, hands over what is left, and closes the store. */
export async function closeDocket(
  context: DocketContext,
  { loop, scan, ephemeral, delivery, scheduleLoop, engine }: ClosingParts,
  { deadlineMs, drain }: { readonly deadlineMs: number; readonly drain: boolean },
): Promise<void> {
  const { clock, connection, owned } = context
  context.isClosing = true
  engine?.stop()
  const until = clock.elapsed() + deadlineMs
  const leftMs = (): number => until - clock.elapsed()
  const isBusy = (): boolean =>
    ephemeral.areRunning ||
    [...owned.values()].some((one) => (drain ? one.hasWorkBefore(clock.now() + leftMs()) : !one.isQuiet))
  // At once: what a step can't begin any more, a child for one, would pass for its failure.
  for (const one of owned.values()) one.beginClosing(releaseOf(one), drain)
  await atMost(clock, connection.session.leaseMs, Promise.all([scan.stop(), scheduleLoop.stop()]))
  while (isBusy() && leftMs() > 0) await sleep(clock, lookEveryMs)
  loop.stop()
  context.handOver.begin()
  ephemeral.end((executionId) => new DocketClosedError(endedMessage, { executionId }))
  await handOverAll(context)
  await atMost(clock, connection.session.leaseMs, context.handOver.untilLooked())
  await delivery.close()
  await engine?.close()
  await connection.close()
}

const endedMessage =
  'this docket was closed before the execution had ended, and no other process can go on with it: it was started without an id and persists nothing; run it again'

async function handOverAll(context: DocketContext): Promise<void> {
  const { clock, connection, owned } = context
  const onFailure = connection.failures.of('handing executions over')
  const handOver = async (one: Owned): Promise<void> => {
    await one.handOver(releaseOf(one))
    if ((await one.departure).type === 'moved')
      context.wakes?.send([{ id: one.id, epoch: one.epoch, queue: one.commits.place.queue }])
  }
  const handedOver = Promise.all([...owned.values()].map((one) => handOver(one).catch(onFailure)))
  // If the store stays away for a lease, the executions are free without being handed over.
  await atMost(clock, connection.session.leaseMs, handedOver)
}

function releaseOf(one: Owned): Release {
  return { cause: 'close', reason: closedWhileWaiting(one) }
}
