import { receivedMessage, signalIdentity, signalMessage } from '../../core/contracts/signal-message.ts'
import type { NewMessage } from '../../core/contracts/message.ts'
import type { Plan } from '../../core/graph/plan.ts'
import { canonicalize, digest } from '../../core/values/keys.ts'
import { receivedTypes } from '../../runtime/inputs/given-signals.ts'
import type { StartSignals } from '../../runtime/inputs/given-signals.ts'
import type { DocketContext } from './docket-context.ts'

type Place = Pick<DocketContext, 'connection' | 'clock'>

/**
 * The messages of the values that come with a start: those of signals take their places, so that later ones are duplicates, and those that a step receives any number
 * of come in their order. Posted again, they change nothing; another start of the same execution brings what it has besides.
 */
export async function startMessages(
  { connection, clock }: Place,
  execution: string,
  plan: Pick<Plan, 'receivers'>,
  signals: StartSignals,
): Promise<readonly NewMessage[]> {
  const { encoding } = connection
  const at = clock.now()
  const several = namesReceived(plan)
  const messages = Object.entries(signals).flatMap(([type, given]) => {
    const encoded = (value: unknown) => encoding.encode(value, signalIdentity(execution, { type }))
    if (!several.has(type))
      return [
        Promise.resolve(encoded(given)).then((payload) =>
          signalMessage(execution, { type }, { id: `start ${type}`, payload, at }),
        ),
      ]
    return (given as readonly unknown[]).map(async (value, index) => {
      const id = `start ${index} ${encoding.resultKey(digestOf(value))}`
      return receivedMessage(execution, { type }, { id, payload: await encoded(value), at })
    })
  })
  return Promise.all(messages)
}

/** Of an execution that goes on, posts what came with its start for steps that have not ended: whoever started it may have died before. @throws StoreError */
export async function postStartMessages(
  context: Place,
  execution: string,
  plan: Pick<Plan, 'receivers'>,
  signals: StartSignals = {},
  hasEnded: (step: string) => boolean,
): Promise<void> {
  const receivers = plan.receivers.filter(({ spec }) => !hasEnded(spec.name))
  const several = namesReceived({ receivers })
  const received = Object.entries(signals).filter(([type]) => several.has(type))
  if (received.length === 0) return
  const messages = await startMessages(context, execution, { receivers }, Object.fromEntries(received))
  await context.connection.post(messages)
}

function namesReceived(plan: Pick<Plan, 'receivers'>): ReadonlySet<string> {
  return new Set(receivedTypes(plan).map(({ name }) => name))
}

/** Values that can't be compared are the same at the same place. */
function digestOf(value: unknown): string {
  try {
    return digest(canonicalize(value))
  } catch {
    return ''
  }
}
