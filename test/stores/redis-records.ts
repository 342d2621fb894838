import type { ExecutionCommit, NewExecution, StepRecord } from '../../src/core/contracts/execution-record.ts'

/** An execution in which everything but what a test is about is usual. */
export function newExecution(id: string, more: Partial<NewExecution> = {}): NewExecution {
  return {
    id,
    kind: 'execution',
    graph: 'users',
    target: 'User',
    requestDigest: 'digest',
    inputs: '{}',
    headers: {},
    graphHash: 'hash',
    machineVersion: 1,
    parent: undefined,
    forkedFrom: undefined,
    queue: 'default',
    priority: 0,
    key: '',
    startAt: undefined,
    timeoutMs: undefined,
    deadline: undefined,
    owner: 'owner',
    createdAt: 1_700_000_000_000,
    startedAt: undefined,
    ...more,
  }
}

export function newStep(step: string, more: Partial<StepRecord> = {}): StepRecord {
  return {
    step,
    item: '',
    status: 'completed',
    attempt: 1,
    inputHash: undefined,
    type: 'User',
    typeVersion: undefined,
    output: '"made"',
    error: undefined,
    attempts: undefined,
    queuedAt: undefined,
    startedAt: undefined,
    endedAt: undefined,
    dueAt: undefined,
    ...more,
  }
}

/** What the first owner of a new execution commits. */
export function newCommit(id: string, more: Partial<ExecutionCommit> = {}): ExecutionCommit {
  return { id, owner: 'owner', epoch: 1, at: 1_700_000_000_001, steps: [newStep('first')], ...more }
}

export function newClaim(key: string, owner = 'owner') {
  return { key, owner, at: 0, namespace: 'users', step: 'fetch', version: '1', type: 'User' }
}
