import { append } from '../../core/append.ts'
import assert from 'node:assert/strict'
import type { CheckpointRecord } from '../../core/contracts/checkpoint-record.ts'
import type { CommitAnswer, Store } from '../../core/contracts/store.ts'
import type { ResultClaim, ResultCommit, ResultState } from '../../core/contracts/result-record.ts'
import type { NewMessage } from '../../core/contracts/message.ts'
import type {
  ExecutionCommit,
  ExecutionRecord,
  NewExecution,
  StepRecord,
} from '../../core/contracts/execution-record.ts'

/** A Friday in 2023; most tests don't care. */
export const someTime = 1_700_000_000_123

export const longLease = 600_000

/** A new execution in which everything but what a test says is usual. */
export function newExecution(id: string, more: Partial<NewExecution> = {}): NewExecution {
  return {
    id,
    kind: 'execution',
    graph: 'users',
    target: 'EnrichedUser',
    requestDigest: 'digest-of-the-request',
    inputs: '{"UserID":{"id":"user-123"}}',
    headers: {},
    graphHash: 'hash-1',
    machineVersion: 1,
    parent: undefined,
    forkedFrom: undefined,
    queue: 'default',
    priority: 0,
    key: '',
    startAt: undefined,
    timeoutMs: undefined,
    deadline: undefined,
    owner: undefined,
    createdAt: someTime,
    startedAt: undefined,
    ...more,
  }
}

/** What a store keeps of a new execution. */
export function recordOf(created: NewExecution, more: Partial<ExecutionRecord> = {}): ExecutionRecord {
  return {
    ...created,
    status: created.startedAt === undefined ? 'pending' : 'running',
    output: undefined,
    error: undefined,
    errorCode: undefined,
    epoch: created.owner === undefined ? 0 : 1,
    recoveries: 0,
    ownedMs: 0,
    updatedAt: created.createdAt,
    endedAt: undefined,
    parkedAt: undefined,
    dueAt: undefined,
    waitsFor: undefined,
    ...more,
  }
}

export function stepRecord(step: string, more: Partial<StepRecord> = {}): StepRecord {
  return {
    step,
    item: '',
    status: 'completed',
    attempt: 1,
    inputHash: undefined,
    type: 'UserProfile',
    typeVersion: undefined,
    output: '{"name":"Ada"}',
    error: undefined,
    attempts: undefined,
    queuedAt: undefined,
    startedAt: someTime + 1,
    endedAt: someTime + 2,
    dueAt: undefined,
    ...more,
  }
}

export function checkpointRecord(name: string, more: Partial<CheckpointRecord> = {}): CheckpointRecord {
  return {
    step: 'Onboarding',
    item: '',
    generation: 0,
    name,
    kind: 'step',
    order: 0,
    status: 'completed',
    value: '{"sent":true}',
    error: undefined,
    at: someTime + 3,
    dueAt: undefined,
    ...more,
  }
}

/** A commit by the owner `ada` in epoch 1, unless said otherwise. */
export function commitTo(id: string, more: Partial<ExecutionCommit> = {}): ExecutionCommit {
  return { id, owner: 'ada', epoch: 1, at: someTime + 10, steps: [], ...more }
}

/** Creates what somebody else is about to create again, until that is decided. */
export async function createAll(
  store: Store,
  executions: readonly NewExecution[],
  transaction?: unknown,
): Promise<(ExecutionRecord | undefined)[]> {
  const answers = [...(await store.create(executions, transaction))]
  for (let round = 0; answers.includes('locked') && round < 1_000; round++) {
    const left = [...answers.keys()].filter((index) => answers[index] === 'locked')
    const again = await store.create(left.map((index) => executions[index]!))
    for (const [place, index] of left.entries()) answers[index] = again[place]
  }
  return answers.map((answer) => {
    assert.notEqual(answer, 'locked')
    return answer === 'locked' ? undefined : answer
  })
}

/** Commits what somebody else has locked for now again, until nobody has. */
export async function commitAll(store: Store, commits: readonly ExecutionCommit[]): Promise<boolean[]> {
  const answers: CommitAnswer[] = [...(await store.commit(commits))]
  for (let round = 0; answers.includes('locked') && round < 1_000; round++) {
    const left = [...answers.keys()].filter((index) => answers[index] === 'locked')
    const again = await store.commit(left.map((index) => commits[index]!))
    for (const [place, index] of left.entries()) answers[index] = again[place]!
  }
  return answers.map((answer) => answer === true)
}

export function message(execution: string, kind: string, more: Partial<NewMessage> = {}): NewMessage {
  return { execution, class: 'data', kind, payload: undefined, at: someTime, ...more }
}

export function claimOf(key: string, owner: string, more: Partial<ResultClaim> = {}): ResultClaim {
  const identity = { namespace: 'users', step: 'FetchProfile', version: '1', type: 'UserProfile' }
  return { ...identity, key, owner, at: someTime, ...more }
}

/** A success, kept for ever. */
export function success(key: string, owner: string, epoch: number, output: string | Uint8Array = '1'): ResultCommit {
  return { key, owner, epoch, at: someTime, outcome: { status: 'completed', output, ttlMs: undefined } }
}

export function failure(key: string, owner: string, epoch: number, error: string | undefined = '"no"'): ResultCommit {
  return { key, owner, epoch, at: someTime, outcome: { status: 'failed', error } }
}

export function release(key: string, owner: string, epoch: number): ResultCommit {
  return { key, owner, epoch, at: someTime, outcome: { status: 'released' } }
}

/** Registers owners that live for longer than any test. */
export async function live(store: Store, ...owners: readonly string[]): Promise<void> {
  for (const owner of owners) assert.equal(await store.renewOwner(owner, longLease), true)
}

/** Creates one execution, owned by a living `ada`. */
export async function createOwned(store: Store, id: string, more: Partial<NewExecution> = {}): Promise<void> {
  await live(store, 'ada')
  assert.deepEqual(await store.create([newExecution(id, { owner: 'ada', ...more })]), [undefined])
}

/** The record of an execution that is there. */
export async function recordIn(store: Store, id: string): Promise<ExecutionRecord> {
  const [record] = await store.get([id])
  assert.ok(record !== undefined, `no execution ${JSON.stringify(id.slice(0, 100))}`)
  return record
}

export async function stepsIn(
  store: Store,
  ...ids: readonly string[]
): Promise<(StepRecord & { execution: string })[]> {
  const steps: (StepRecord & { execution: string })[] = []
  let next: string | undefined
  do {
    const page = next === undefined ? await store.readSteps(ids) : await store.readSteps(ids, next)
    append(steps, page.steps)
    next = page.next
  } while (next !== undefined)
  return steps.toSorted((one, other) => compareTexts(placeOf(one), placeOf(other)))
}

/** The one claim, which has to succeed; gives its epoch. */
export async function claimIn(store: Store, key: string, owner: string): Promise<number> {
  const [state] = await store.claimResults([claimOf(key, owner)])
  return epochOf(state, 'claimed')
}

export function epochOf(state: ResultState | undefined, status: 'claimed' | 'running' | 'failed'): number {
  assert.ok(state !== undefined && state.status === status, `${status} expected, not ${JSON.stringify(state)}`)
  assert.ok(Number.isSafeInteger(state.epoch), `the epoch ${state.epoch} is no whole number`)
  return state.epoch
}

export function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** The same order everywhere, whatever the language. */
export function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

function placeOf({ execution, step, item }: StepRecord & { readonly execution: string }): string {
  return JSON.stringify([execution, step, item])
}
