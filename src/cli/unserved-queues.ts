import type { Docket, ExecutionHandle } from '../index.ts'
import { isTerminal } from '../core/contracts/statuses.ts'
import type { CliCall } from './cli-call.ts'
import { plain } from './plain-text.ts'

/** Says on stderr which of these queues no process that lives serves: what has just become ready there does not run before one does. */
export async function sayUnserved(call: CliCall, docket: Docket, queues: Iterable<string>): Promise<void> {
  const names = new Set(queues)
  if (names.size === 0) return
  const workers = await unlessUnread(() => docket.workers())
  if (workers === undefined) return
  for (const name of names)
    if (!workers.some(({ queues: served }) => (served[name] ?? 0) > 0))
      call.printer.say(
        `no process that lives serves queue ${JSON.stringify(plain(name))}: start your program, or docket worker`,
      )
}

/** As `sayUnserved`, for the queue of one execution, unless that has ended or a process that lives has it. */
export async function sayUnlessServed(
  call: CliCall,
  docket: Docket,
  handle: Pick<ExecutionHandle<unknown>, 'info'>,
): Promise<void> {
  const info = await unlessUnread(() => handle.info())
  if (info === undefined || isTerminal(info.status)) return
  const { owner, queue } = info
  if (owner !== undefined) {
    const workers = await unlessUnread(() => docket.workers())
    if (workers === undefined || workers.some((worker) => worker.owner === owner)) return
  }
  await sayUnserved(call, docket, [queue])
}

/** What was done is done: that nothing can be said of who serves its queue is no failure. */
async function unlessUnread<Read>(read: () => Promise<Read>): Promise<Read | undefined> {
  try {
    return await read()
  } catch {
    return undefined
  }
}
