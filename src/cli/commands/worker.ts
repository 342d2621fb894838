import type { Docket, ObserverObject } from '../../index.ts'
import { awaitStore } from '../await-store.ts'
import type { CliCall } from '../cli-call.ts'
import { CliError, exitCodes } from '../cli-error.ts'
import type { ExitCode } from '../cli-error.ts'
import { plain } from '../plain-text.ts'
import { untilAborted } from '../until-aborted.ts'

/** `docket worker`: runs the docket of the configuration until it is interrupted, and hands over then what has not ended. */
export async function worker(call: CliCall): Promise<ExitCode> {
  const { queue, deadline = 10_000 } = call.options as {
    readonly queue?: readonly string[]
    readonly deadline?: number
  }
  const { signal } = call.streams
  const docket = await call.openDocket('work', queue === undefined ? {} : { work: slotsOf(queue) })
  // With a store in this process alone, nothing else would keep it alive.
  const alive = setInterval(() => {}, 1 << 30)
  const unobserve = docket.observe(leftAlone(call))
  try {
    await awaitStore(call, docket)
    if (!signal.aborted) {
      const { graphs: known, store } = docket.about()
      const graphs = known.map(({ name }) => name)
      const queues = queuesOf(docket)
      const served = Object.entries(queues).map(([name, slots]) => `${plain(name)}=${slots}`)
      if (served.length === 0)
        call.printer.say(
          'warning: it serves no queue, and so runs nothing: the work of the configuration has none; --queue default=100 does',
        )
      call.printer.result(
        { state: 'started', store, graphs, queues },
        () =>
          `worker of ${graphs.map((name) => plain(name)).join(', ')} on ${store}, queues: ${served.join(', ') || 'none'}`,
      )
    }
    await untilAborted(signal)
    call.printer.say('closing: what has not ended by the deadline is handed over')
  } finally {
    clearInterval(alive)
    unobserve()
    await docket.close({ deadline })
  }
  call.printer.result({ state: 'closed' }, () => 'closed')
  return exitCodes.done
}

const mostReasons = 100
const usualSlots = 100

/** Says which executions are left to other versions of the program: those with the same reasons once. */
function leftAlone({ printer }: CliCall): ObserverObject {
  const said = new Set<string>()
  return {
    // Of lives it wants nothing.
    observe: () => ({}),
    next: (event) => {
      if (event.type !== 'execution.incompatible') return
      const reasons = event.reasons.join('; ')
      if (said.has(reasons) || said.size >= mostReasons) return
      said.add(reasons)
      printer.say(
        `left alone: ${plain(event.executionId)} of ${plain(event.graph)} can’t go on here: ${plain(reasons, 2_000)} (docket doctor lists all)`,
      )
    },
  }
}

/** The queues that it serves, with their slots. */
function queuesOf({ options: { work } }: Docket): Readonly<Record<string, number>> {
  const queues = Object.entries(work === false ? {} : (work ?? { default: usualSlots }))
  return Object.fromEntries(queues.map(([name, slots = usualSlots]) => [name, slots]))
}

/** `gpu=4`, or a name alone for as many slots as a queue has that nobody says more of. */
function slotsOf(queues: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    queues.map((text) => {
      const at = text.lastIndexOf('=')
      const [name, slots] = at === -1 ? [text, String(usualSlots)] : [text.slice(0, at), text.slice(at + 1)]
      if (name !== '' && /^[1-9]\d{0,8}$/.test(slots)) return [name, Number(slots)]
      throw new CliError(exitCodes.usage, `--queue must be like gpu=4, a name and its slots, not "${text}"`)
    }),
  )
}
