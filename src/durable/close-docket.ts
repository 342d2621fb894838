import { sleep } from '../runtime/environment/clock.ts'
import type { BackgroundLoop } from './background-loop.ts'
import type { DocketContext } from './context/docket-context.ts'
import type { Scan } from './recovery/scan.ts'

const lookEveryMs = 10

/** Lets running steps end, hands over what is left by the deadline, and closes the store. */
export async function closeDocket(
  context: DocketContext,
  loop: BackgroundLoop,
  scan: Scan,
  deadlineMs: number,
): Promise<void> {
  const { clock, connection, owned } = context
  context.isClosing = true
  loop.stop()
  await scan.stop()
  for (const one of owned.values()) one.pause()
  const until = clock.now() + deadlineMs
  while ([...owned.values()].some((one) => !one.isQuiet) && clock.now() < until) await sleep(clock, lookEveryMs)
  await handOverAll(context)
  await connection.close()
}

async function handOverAll({ clock, connection, owned }: DocketContext): Promise<void> {
  const handedOver = Promise.all([...owned.values()].map((one) => one.handOver().catch(() => {})))
  await new Promise<void>((resolve) => {
    // If the store stays away for a lease, the executions are free without being handed over.
    const timer = clock.setTimeout(resolve, connection.session.leaseMs)
    void handedOver.then(() => {
      clock.clearTimeout(timer)
      resolve()
    })
  })
}
