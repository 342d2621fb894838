import { requireLength } from '../../core/check-length.ts'
import { isName } from '../../core/check-name.ts'
import { checkOptions, describe } from '../../core/check-options.ts'
import type { PostVerdict } from '../../core/contracts/message.ts'
import { receivedId, receivedMessage, signalIdentity, signalMessage } from '../../core/contracts/signal-message.ts'
import { InputError, OptionError } from '../../core/errors.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import { isRecord } from '../../core/is-record.ts'
import { isUpdateType } from '../../core/language/update.ts'
import type { AnyDataType } from '../../core/language/data-type.ts'
import { encodedValue } from '../../core/values/value-encoding.ts'
import { signalSlotOf } from '../../core/graph/signal-slot-of.ts'
import { randomId } from '../../runtime/environment/ids.ts'
import { checkValue, issuesText } from '../../runtime/inputs/check-value.ts'
import { allAnswers } from '../../runtime/store-access/all-answers.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { noSuchExecution } from '../records/execution-info.ts'
import { problemOfItem, signalPlace } from './signal-place.ts'
import type { SignalTarget } from './signal-place.ts'

/** What a call of `signal` takes besides the value. */
export interface SignalCallOptions {
  /**
   * Names the signal: sent again under it, it is the same one, and gets the first answer. Of what a step receives any number of, it is one within its data type.
   * @default a random one
   */
  readonly id?: string | undefined
  /** Of a batch, the index of the item that it is for. @default it is for what all items share */
  readonly item?: number | undefined
  /**
   * The client on which the caller has begun a transaction: the signal is there if and only if that commits. The execution may be one that was started
   * in it. @default none
   */
  readonly transaction?: unknown
}

/** What became of a signal that was sent. */
export type SignalVerdict = Exclude<PostVerdict, 'unknown'>

/** @throws OptionError with all problems */
export function checkSignalOptions(options: unknown): void {
  checkOptions('signal', options, ['id', 'item', 'transaction'], ({ id, item }) => [
    id !== undefined && !isName(id) && `id must be a non-empty string, not ${describe(id)}`,
    problemOfItem(item),
  ])
}

/** @throws OptionError for anything but a data type */
export function requireDataType(call: string, type: unknown): void {
  if (!isRecord(type) || type['kind'] !== 'dataType')
    throw new OptionError(`${call} takes a data type, as dataType() makes it, not ${describe(type)}`)
}

/** Stores a value for what a step of an execution waits for. @throws as `ExecutionHandle.signal` does */
export async function sendSignal(
  context: DocketContext,
  target: SignalTarget,
  type: AnyDataType,
  value: unknown,
  { id = randomId(context.options.random), item, transaction }: SignalCallOptions,
): Promise<SignalVerdict> {
  const { id: executionId, graph } = target
  requireDataType('signal', type)
  if (isUpdateType(type))
    throw new OptionError(`signal: "${type.name}" is an update, which is answered; send it with handle.update`)
  const { store: keeping } = context.connection
  if (transaction !== undefined && !keeping.capabilities.transactions)
    throw new OptionError(`signal: the ${keeping.name} store has no transactions`)
  requireLength(keeping, 'message', 'signal: its data type', signalSlotOf(type, item))
  requireLength(keeping, 'message', 'signal: id', id)
  const send = (given: unknown): Promise<SignalVerdict> =>
    sendChecked(context, target, type, given, { id, item, transaction })
  const { signal } = context.interceptors
  if (signal === undefined) return send(value)
  const of = { executionId, graph, type: type.name, value, id, item }
  return signal({ ...of, isWithStart: false, isInTransaction: transaction !== undefined }, (call) => send(call.value))
}

async function sendChecked(
  context: DocketContext,
  target: SignalTarget,
  type: AnyDataType,
  value: unknown,
  { id, item, transaction }: SignalCallOptions & { readonly id: string },
): Promise<SignalVerdict> {
  const { id: executionId, graph } = target
  // Within a transaction the calls have the order of its client.
  using turn = transaction === undefined ? context.calls.enter(executionId) : undefined
  const place = { executionId, graph, item }
  const { place: to, way } = await signalPlace(
    context,
    'signal',
    { ...target, mayBeUnseen: transaction !== undefined },
    type,
    item,
  )
  if (way === 'received')
    requireLength(context.connection.store, 'message', 'signal: data type and id together', receivedId(to, id))
  const checked = await checkValue(type, value)
  if (checked.issues !== undefined) {
    const message = `signal "${type.name}" for ${item === undefined ? '' : `item ${item} of `}execution "${executionId}" does not fit: ${issuesText(checked.issues)}`
    throw new InputError('INPUT_INVALID', message, checked.issues, place, { cause: checked.thrown })
  }
  const { connection, clock } = context
  const { store, encoding } = connection
  const payload = await encodedValue(encoding, value, signalIdentity(executionId, to), isSensitiveType(type))
  // A connection that is within a transaction may not be able to renew a lease.
  await (transaction === undefined ? connection.readyBy() : connection.patiently(() => connection.opened()))
  const content = { id, payload, at: clock.now() }
  const message =
    way === 'received' ? receivedMessage(executionId, to, content) : signalMessage(executionId, to, content)
  // Its id makes the second try of one whose answer was lost the same as the first. What fails within a transaction ends that: it is for its owner to try again.
  const [verdict] =
    turn !== undefined
      ? await turn.post(() => connection.post([message]))
      : allAnswers(store, 'post', [message], await store.post([message], transaction))
  if (verdict === 'unknown') throw noSuchExecution(executionId)
  if (verdict === 'accepted') context.lookSoon(executionId, message.id)
  return verdict!
}
