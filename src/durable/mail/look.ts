import { checkpointIdentity } from '../../core/contracts/checkpoint-record.ts'
import type { ExecutionRecord } from '../../core/contracts/execution-record.ts'
import type { Message } from '../../core/contracts/message.ts'
import { isTerminal } from '../../core/contracts/statuses.ts'
import { SerializationError } from '../../core/errors.ts'
import { sleep } from '../../runtime/environment/clock.ts'
import { randomId } from '../../runtime/environment/ids.ts'
import type { DocketContext } from '../context/docket-context.ts'
import type { Owned } from '../ownership/owned.ts'
import { checkpointBeside } from '../records/checkpoint-beside.ts'
import { liveStepInfos } from '../records/open-steps.ts'
import type { StepInfo } from '../records/step-info.ts'

/** The kind of message by which another process asks the owner of an execution what its steps do at this moment. */
export const lookKind = 'look'

/** The last answer of an owner stands beside the execution's record, whoever it is for. */
interface Answer {
  /** The looks that it is an answer to, by their names. */
  readonly looks: readonly string[]
  /** Without what they made or threw, which is on record, or is nobody's yet. */
  readonly steps: readonly StepInfo[]
}

const place = { step: '', item: '', generation: 0, name: lookKind } as const
// More are hardly under way at the same time.
const mostLooks = 20
const firstPauseMs = 10
const longestPauseMs = 100

/** Answers those who look at executions of this process from elsewhere. */
export class LookAnswers {
  readonly #context: DocketContext
  readonly #answered = new WeakMap<Owned, string[]>()

  constructor(context: DocketContext) {
    this.#context = context
  }

  /** One that can't be read, or answered, is read no more. */
  answer(owned: Owned, message: Message): void {
    const onFailure = this.#context.connection.failures.of(`showing what execution "${owned.id}" does`)
    this.#answer(owned, message).catch((error: unknown) => {
      onFailure(error)
      owned.commits.consume(message.seq)
    })
  }

  async #answer(owned: Owned, { seq, payload, execution }: Message): Promise<void> {
    const { encoding } = this.#context.connection
    const { commits } = owned
    const name = payload && (await encoding.decode(payload, ['message', execution]))
    // As it is once that is read: one that has ended says so by its record.
    const live = owned.hasEnded ? undefined : owned.liveSteps
    if (live === undefined || typeof name !== 'string') return commits.consume(seq)
    const looks = [...(this.#answered.get(owned) ?? []), name].slice(-mostLooks)
    this.#answered.set(owned, looks)
    const nothing = { output: undefined, error: undefined, attempts: [] }
    const steps = liveStepInfos(live, []).map((step): StepInfo => ({ ...step, ...nothing }))
    const answer: Answer = { looks, steps }
    const value = await encoding.encode(answer, checkpointIdentity(execution, place))
    const checkpoint = { ...place, kind: lookKind, order: 0, status: 'completed', value, error: undefined } as const
    const at = this.#context.clock.now()
    await commits.write({ steps: [], consumed: [seq], checkpoints: [{ ...checkpoint, at, dueAt: undefined }] })
  }
}

/**
 * What the steps of an execution do at this moment that another process runs, as that says; `recorded` is what records say of them. Undefined where nobody answers in
 * time. @throws StoreError
 */
export async function liveSteps(
  context: DocketContext,
  { id, kind, status, owner }: ExecutionRecord,
  recorded: readonly StepInfo[],
  patienceMs: number,
): Promise<readonly StepInfo[] | undefined> {
  const { connection, clock, options } = context
  const { store, encoding, session } = connection
  if (kind !== 'execution' || isTerminal(status) || owner === undefined || owner === session.owner) return undefined
  if (store.readCheckpoints === undefined) return undefined
  const until = clock.elapsed() + patienceMs
  const name = randomId(options.random)
  const payload = await encoding.encode(name, ['message', id])
  const message = { execution: id, class: 'control', kind: lookKind, payload, at: clock.now() } as const
  const [verdict] = await connection.post([message])
  if (verdict !== 'accepted') return undefined
  for (let pauseMs = firstPauseMs; clock.elapsed() < until; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    await sleep(clock, pauseMs)
    context.requireWaiting(id)
    const found = await connection.patiently(() => checkpointBeside(store, id, place))
    const answer = await answerIn(context, id, found?.value)
    if (answer?.looks.includes(name) === true) return withRecords(answer.steps, recorded)
  }
  return undefined
}

async function answerIn(
  { connection: { encoding } }: DocketContext,
  id: string,
  stored: ExecutionRecord['output'],
): Promise<Answer | undefined> {
  try {
    if (stored === undefined) return undefined
    return (await encoding.decode(stored, checkpointIdentity(id, place))) as Answer
  } catch (error) {
    // Another version may write it otherwise.
    if (error instanceof SerializationError) return undefined
    throw error
  }
}

function withRecords(steps: readonly StepInfo[], recorded: readonly StepInfo[]): readonly StepInfo[] {
  const byName = new Map(recorded.map((step) => [step.step, step]))
  return steps.map((step) => {
    const known = byName.get(step.step)
    return { ...step, output: known?.output, error: known?.error, attempts: known?.attempts ?? [] }
  })
}
