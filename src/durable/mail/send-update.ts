import { requireLength } from '../../core/check-length.ts'
import { isName } from '../../core/check-name.ts'
import { checkOptions, describe } from '../../core/check-options.ts'
import { durationHint, durationMs } from '../../core/duration.ts'
import type { Duration } from '../../core/duration.ts'
import { signalIdentity } from '../../core/contracts/signal-message.ts'
import { updateMessage, updateName } from '../../core/contracts/update-message.ts'
import { DeadlockError, InputError, OptionError } from '../../core/errors.ts'
import { isSensitiveType } from '../../core/graph/sensitivity.ts'
import { isRecord } from '../../core/is-record.ts'
import { isUpdateType } from '../../core/language/update.ts'
import type { AnyUpdateType } from '../../core/language/update.ts'
import { UpdateError } from '../../core/update-error.ts'
import { canonicalize, digest as digestOf } from '../../core/values/keys.ts'
import { encodedValue } from '../../core/values/value-encoding.ts'
import { callingStep, isUnderWay } from '../../runtime/environment/current-step.ts'
import { atMost } from '../../runtime/environment/clock.ts'
import { randomId } from '../../runtime/environment/ids.ts'
import { beginWait, cantEndBefore, endWait } from '../../runtime/environment/open-waits.ts'
import type { WaitedFor } from '../../runtime/environment/current-step.ts'
import { checkValue, issuesText } from '../../runtime/inputs/check-value.ts'
import type { DocketContext } from '../context/docket-context.ts'
import { noSuchExecution } from '../records/execution-info.ts'
import { AnswerWatch } from './answer-watch.ts'
import { awaitAnswer, conflict, notInTime, readAnswer } from './await-answer.ts'
import type { SentUpdate } from './await-answer.ts'
import { problemOfItem, signalPlace } from './signal-place.ts'
import type { SignalTarget } from './signal-place.ts'

/** What a call of `update` takes besides the value. */
export interface UpdateOptions {
  /** Names the update: sent again under it, it is the same one, and gets the same answer, also after the end. @default a random one */
  readonly id?: string | undefined
  /** Of a batch, the index of the item that it is for. @default it is for what all items share */
  readonly item?: number | undefined
  /** How long the answer is waited for. @default until it is there */
  readonly timeout?: Duration | undefined
}

/** @throws OptionError with all problems */
export function checkUpdate(type: unknown, options: unknown): void {
  if (!isRecord(type) || type['kind'] !== 'dataType' || !isUpdateType(type as never))
    throw new OptionError(
      `update takes an update, as update() makes it, not ${describe(type)}; for any other type there is handle.signal`,
    )
  checkOptions('update', options, ['id', 'item', 'timeout'], ({ id, item, timeout }) => [
    id !== undefined && !isName(id) && `id must be a non-empty string, not ${describe(id)}`,
    problemOfItem(item),
    timeout !== undefined &&
      durationMs(timeout as Duration) === undefined &&
      `timeout ${describe(timeout)} is not a duration; ${durationHint}`,
  ])
}

/** Sends an update to an execution, and gives what it is answered with. @throws as `ExecutionHandle.update` does */
export async function sendUpdate(
  context: DocketContext,
  target: SignalTarget,
  type: AnyUpdateType,
  value: unknown,
  { id: given, item, timeout }: UpdateOptions,
): Promise<unknown> {
  const id = given ?? randomId(context.options.random)
  const options = { id, item, timeout, isFirst: given === undefined }
  const send = (changed: unknown): Promise<unknown> => sendChecked(context, target, type, changed, options)
  const { update } = context.interceptors
  if (update === undefined) return send(value)
  const { id: executionId, graph } = target
  return update({ executionId, graph, update: type.name, value, id, item }, (call) => send(call.value))
}

async function sendChecked(
  context: DocketContext,
  target: SignalTarget,
  type: AnyUpdateType,
  value: unknown,
  { id, item, timeout, isFirst }: UpdateOptions & { readonly id: string; readonly isFirst: boolean },
): Promise<unknown> {
  const { connection, clock } = context
  const { store, encoding } = connection
  const until = timeout === undefined ? Infinity : clock.elapsed() + durationMs(timeout)!
  using turn = context.calls.enter(target.id)
  const { place: to } = await signalPlace(context, 'update', target, type, item)
  const name = updateName(to, id)
  requireLength(store, 'checkpoint', 'update: its name and id together', name)
  const place = { executionId: target.id, graph: target.graph, item }
  const checked = await checkValue(type, value)
  if (checked.issues !== undefined) {
    const message = `update "${type.name}" of execution "${target.id}" does not fit: ${issuesText(checked.issues)}`
    throw new InputError('INPUT_INVALID', message, checked.issues, place, { cause: checked.thrown })
  }
  const payload = await encodedValue(encoding, value, signalIdentity(target.id, to), isSensitiveType(type))
  const digest = encoding.resultKey(digestOf(canonicalize(value)))
  await connection.readyBy()
  const message = updateMessage(target.id, { name, digest }, { payload, at: clock.now() })
  requireLength(store, 'message', 'update: its name and id together', message.id!)
  const sent = { executionId: target.id, type, id, name, digest, isFirst, place }
  using watch = new AnswerWatch(context, target.id, name)
  // What a call before it waits for, as an asynchronous schema, may take longer than this one has.
  if (turn.before !== undefined && timeout !== undefined) await untilTurn(context, turn.before, until, sent)
  const [verdict] = await turn.post(() => connection.post([message]))
  if (verdict === 'unknown') throw noSuchExecution(target.id)
  if (verdict === 'duplicate') throw conflict(sent)
  if (verdict !== 'accepted') {
    const answer = await readAnswer(context, sent)
    if (answer !== undefined) return answer()
    const what = `update "${type.name}" was not accepted: execution "${target.id}" has ended`
    throw new UpdateError('UPDATE_ENDED', what, id, place)
  }
  context.lookSoon(target.id, message.id)
  const wait = {}
  requireNoRing(context, target.id, type, wait)
  try {
    return await awaitAnswer(context, sent, until, watch)
  } finally {
    endWait(wait)
  }
}

/** @throws UpdateError where it does not come in time */
async function untilTurn(
  { clock }: DocketContext,
  turn: Promise<void>,
  until: number,
  sent: SentUpdate,
): Promise<void> {
  let hasCome = false
  const coming = turn.then(() => void (hasCome = true))
  await atMost(clock, Math.max(0, until - clock.elapsed()), coming)
  if (!hasCome) throw notInTime(sent)
}

/** The step that would answer can't, where it waits for the one that asks. @throws DeadlockError */
function requireNoRing(context: DocketContext, id: string, type: AnyUpdateType, wait: object): void {
  const caller = callingStep()
  const live = caller === undefined ? undefined : context.owned.get(id)?.liveSteps
  if (caller === undefined || live === undefined || !isUnderWay(caller)) return
  const { plan, states } = live
  const receiver = plan.receivers.find(({ spec }) => spec.receives.some(({ name }) => name === type.name))
  const state = receiver && states[receiver.position]
  if (state === undefined) return
  const { step, attempt } = caller
  const ring = beginWait(wait, {
    waiter: step,
    attempt,
    needs: (stuck) => !state.hasEnded && cantEndBefore(state as unknown as WaitedFor, stuck),
    what: `waits for an answer to update "${type.name}" of execution "${id}"`,
  })
  if (ring === undefined) return
  throw new DeadlockError(
    `step "${step.step}" waits for itself by way of others: ${ring}; don't wait within the step for an answer that has to wait for it`,
    { executionId: id, graph: plan.index.graph.name, step: step.step },
  )
}
