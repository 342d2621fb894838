import { receivedMessage, signalIdentity, signalMessage } from '../../core/contracts/signal-message.ts'
import type { NewMessage } from '../../core/contracts/message.ts'
import { firstNameOf } from '../../core/graph/former-names.ts'
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
  plan: Pick<Plan, 'receivers' | 'signalSteps'>,
  signals: StartSignals,
): Promise<readonly NewMessage[]> {
  const { encoding } = connection
  const at = clock.now()
  const received = receivedTypes(plan)
  const several = new Set(received.map(({ name }) => name))
  const types = [...received, ...plan.signalSteps.map(({ spec }) => spec.output)]
  const firstNames = new Map(types.map((type) => [type.name, firstNameOf(type)]))
  const messages = Object.entries(signals).flatMap(([name, given]) => {
    const type = firstNames.get(name) ?? name
    const encoded = (value: unknown) => encoding.encode(value, signalIdentity(execution, { type }))
    if (!several.has(name))
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
  const several = new Set(receivedTypes({ receivers }).map(({ name }) => name))
  const received = Object.entries(signals).filter(([type]) => several.has(type))
  if (received.length === 0) return
  const messages = await startMessages(context, execution, { receivers, signalSteps: [] }, Object.fromEntries(received))
  await context.connection.post(messages)
}

/** Values that can't be compared are the same at the same place. */
function digestOf(value: unknown): string {
  try {
    return digest(canonicalize(value))
  } catch {
    return ''
  }
}
