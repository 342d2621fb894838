import { StoreError } from '../../src/core/errors.ts'
import type { ExecutionRecord, NewExecution } from '../../src/core/contracts/execution-record.ts'
import type { headOf } from '../../src/core/contracts/parking.ts'
import { damaged } from './errors.ts'
import { defaultQueue } from '../../src/core/contracts/queue-record.ts'
import {
  escapeText,
  indexPrefix,
  ownerOf,
  ownerText,
  placeInQueue,
  statusCode,
  statusOf,
  timeKey,
  timeOf,
  turnInQueue,
  unescapeText,
} from './layout.ts'
import type { Argument, Reply } from './link.ts'
import type { Packer } from './msgpack.ts'
import { packedText, unpackedNumber, unpackedText, unpackedTime, valueBytes, valueOf } from './values.ts'

/**
 * Fields of an execution's hash, in the order in which they are read: what never changes (msgpack), owner ('' for nobody), epoch,
 * status (one letter), recoveries, owned milliseconds, inputs, output, error, graph hash, machine version, times of start,
 * update and end, deadline (as in the index), since when it is parked, when it is due (as in the index), what it waits for, the code of its error (as in the index). Only the scripts read `g` and `t` (the graph and the creation as they stand in the index) `c` (the beginnings of the members that it has as a child or a fork, in its queue and with its key, each ending with NUL), `u` (its place in a queue, where that is not the default one), `f` (its turn there, where it has a key or a priority) `m` (the number of the call that wrote to it last, in its epoch; absent for 0) and `q` (number of
 * the last message).
 */
export const headFields = [
  'i',
  'o',
  'e',
  's',
  'r',
  'd',
  'n',
  'v',
  'x',
  'h',
  'w',
  'b',
  'a',
  'z',
  'l',
  'k',
  'y',
  'j',
  'p',
] as const

function constantOf(constant: Buffer | null | undefined, packer: Packer) {
  const known = packer.unpack(required(constant))
  if (!Array.isArray(known)) throw new Error('its constant part is not a list')
  const [kind, graph, target, requestDigest, parent, forkedFrom, timeoutMs, createdAt, ...rest] = known as unknown[]
  const [queue, priority, key, startAt, ...headers] = rest
  if (kind !== 'execution' && kind !== 'batch') throw new Error('its kind is unknown')
  return {
    kind,
    graph: textOf(graph),
    target,
    requestDigest,
    parent: unpackedText(parent),
    forkedFrom: unpackedText(forkedFrom),
    timeoutMs,
    createdAt,
    queue: unpackedText(queue) ?? defaultQueue,
    priority,
    key: unpackedText(key) ?? '',
    startAt,
    headers,
  } as const
}

function knownStatus(status: Buffer | null | undefined): ExecutionRecord['status'] {
  const known = statusOf(required(status).toString())
  if (known === undefined) throw new Error('its status is unknown')
  return known
}

function codeOf(errorCode: Buffer | null | undefined): string | undefined {
  return errorCode ? unescapeText(errorCode.toString()) : undefined
}

/** The fields of a new execution's hash, each followed by its value. */
export function newHead(execution: NewExecution, packer: Packer): Argument[] {
  const {
    id,
    graph,
    target,
    parent,
    forkedFrom,
    owner,
    sequence = 0,
    createdAt,
    startedAt,
    queue,
    key,
    priority,
    startAt,
  } = execution
  const lineage = lineageOf(execution)
  const constant = packer.pack([
    execution.kind,
    packedText(graph),
    packedText(target),
    packedText(execution.requestDigest),
    parent === undefined ? undefined : packedText(parent),
    forkedFrom === undefined ? undefined : packedText(forkedFrom),
    execution.timeoutMs,
    createdAt,
    queue === defaultQueue ? undefined : packedText(queue),
    priority,
    key === '' ? undefined : packedText(key),
    startAt,
    ...Object.entries(execution.headers).flatMap(([name, text]) => [packedText(name), packedText(text)]),
  ])
  const fields: Readonly<Record<string, Argument>> = {
    i: constant,
    o: ownerText(owner),
    e: owner === undefined ? 0 : 1,
    s: statusCode(statusOfNew(execution)),
    r: 0,
    d: 0,
    n: valueBytes(execution.inputs),
    h: valueBytes(execution.graphHash),
    w: execution.machineVersion,
    a: createdAt,
    g: `${escapeText(graph)}\0`,
    t: timeKey(createdAt) + escapeText(id),
    ...(sequence > 0 && { m: sequence }),
    ...(startedAt !== undefined && { b: startedAt }),
    ...(lineage.length > 0 && { c: lineage.join('') }),
    ...(queue !== defaultQueue && { u: placeInQueue(queue, graph) }),
    ...((key !== '' || priority !== 0) && { f: turnInQueue(key, priority) }),
    ...(isParked(execution) && { k: createdAt, y: timeKey(Math.ceil(startAt!)) }),
    ...(execution.deadline !== undefined && { l: timeKey(execution.deadline) }),
  }
  return Object.entries(fields).flat()
}

/** The members that a new execution has in its bucket's index, and in its work. */
export function newMembers(execution: NewExecution): {
  readonly index: readonly string[]
  readonly work: readonly string[]
} {
  const { id, graph, owner, createdAt, deadline, queue } = execution
  const status = statusOfNew(execution)
  const place = timeKey(createdAt) + escapeText(id)
  return {
    index: [
      indexPrefix.status(status) + place,
      indexPrefix.graphStatus(graph, status) + place,
      ...(queue === defaultQueue ? [] : [indexPrefix.queueStatus(queue, status) + place]),
      ...lineageOf(execution).flatMap((prefix) => (isOfQueue(prefix) ? [] : [prefix + place])),
    ],
    work: [
      ...(owner === undefined
        ? membersOfFree(execution, place)
        : [indexPrefix.owned(owner, queue, graph) + place, indexPrefix.owner(owner)]),
      ...(deadline === undefined ? [] : [indexPrefix.deadline + timeKey(deadline) + escapeText(id)]),
    ],
  }
}

/** Those of an execution that nobody has: it has not begun. */
function membersOfFree(execution: NewExecution, place: string): readonly string[] {
  const { id, graph, queue, key, priority, startAt, startedAt } = execution
  if (isParked(execution))
    return [
      indexPrefix.parked(queue) + escapeText(id),
      (startedAt === undefined ? indexPrefix.later : indexPrefix.due)(queue, graph) +
        timeKey(Math.ceil(startAt!)) +
        escapeText(id),
    ]
  return startedAt === undefined
    ? [indexPrefix.toBegin(queue, graph) + place, indexPrefix.inTurn(queue, graph) + turnInQueue(key, priority) + place]
    : [indexPrefix.toGoOn(queue, graph) + place]
}

function isParked({ owner, startAt }: NewExecution): boolean {
  return owner === undefined && startAt !== undefined
}

/** Those of a queue are in the index by their statuses. */
function isOfQueue(prefix: string): boolean {
  return prefix.startsWith('q')
}

/** By what a child or a fork is found in the index, whatever its status, and what is in a queue, or has a key. */
function lineageOf({ parent, forkedFrom, queue, key }: NewExecution): readonly string[] {
  return [
    ...(parent === undefined ? [] : [indexPrefix.child(parent)]),
    ...(forkedFrom === undefined ? [] : [indexPrefix.fork(forkedFrom)]),
    ...(queue === defaultQueue ? [] : [indexPrefix.queue(queue)]),
    ...(key === '' ? [] : [indexPrefix.key(key)]),
  ]
}

function statusOfNew({ startedAt }: NewExecution): 'pending' | 'running' {
  return startedAt === undefined ? 'pending' : 'running'
}

/** What a change writes into the hash and takes out of it. */
export function headChange(change: NonNullable<ReturnType<typeof headOf>>, set: Argument[], removed: string[]): void {
  const {
    status,
    inputs,
    output,
    error,
    errorCode,
    graphHash,
    machineVersion,
    startedAt,
    endedAt,
    ownedMs,
    recoveries,
    deadline,
    parkedAt,
    dueAt,
    waitsFor,
  } = change
  if (status !== undefined) set.push('s', statusCode(status))
  if (inputs !== undefined) set.push('n', valueBytes(inputs))
  if (output !== undefined) set.push('v', valueBytes(output))
  else if ('output' in change) removed.push('v')
  if (error !== undefined) set.push('x', valueBytes(error))
  else if ('error' in change) removed.push('x')
  if (errorCode !== undefined) set.push('p', escapeText(errorCode))
  else if ('errorCode' in change) removed.push('p')
  if (graphHash !== undefined) set.push('h', valueBytes(graphHash))
  if (machineVersion !== undefined) set.push('w', machineVersion)
  if (startedAt !== undefined) set.push('b', startedAt)
  if (deadline !== undefined) set.push('l', timeKey(deadline))
  else if ('deadline' in change) removed.push('l')
  if (endedAt !== undefined) set.push('z', timeKey(endedAt))
  else if ('endedAt' in change) removed.push('z')
  if (ownedMs !== undefined) set.push('d', ownedMs)
  if (recoveries !== undefined) set.push('r', recoveries)
  if (parkedAt !== undefined) set.push('k', parkedAt)
  if (dueAt !== undefined) set.push('y', timeKey(dueAt))
  if (waitsFor !== undefined) set.push('j', valueBytes(waitsFor))
  if (change.isReleased === true) set.push('o', '')
}

/** The record from the values of `headFields`; undefined where there is none. @throws StoreError when it is damaged */
export function headRecord(id: string, key: string, reply: Reply, packer: Packer): ExecutionRecord | undefined {
  if (reply instanceof StoreError) throw reply
  if (!Array.isArray(reply)) return undefined
  const fields = reply as (Buffer | null)[]
  if (fields.every((field) => field === null)) return undefined
  try {
    return decode(id, fields, packer)
  } catch (cause) {
    throw damaged(`the record of execution "${id}"`, key, cause)
  }
}

function decode(id: string, fields: readonly (Buffer | null)[], packer: Packer): ExecutionRecord {
  const [constant, owner, epoch, status, recoveries, ownedMs, inputs, output, error, hash, version, ...times] = fields
  const [started, updated, ended, deadline, parked, due, waitsFor, errorCode] = times
  const known = constantOf(constant, packer)
  const texts = known.headers.map(textOf)
  return {
    id,
    kind: known.kind,
    graph: known.graph,
    target: textOf(known.target),
    status: knownStatus(status),
    requestDigest: textOf(known.requestDigest),
    inputs: valueOf(required(inputs)),
    output: output ? valueOf(output) : undefined,
    error: error ? valueOf(error) : undefined,
    errorCode: codeOf(errorCode),
    headers: Object.fromEntries(texts.flatMap((name, at) => (at % 2 === 0 ? [[name, texts[at + 1]!]] : []))),
    graphHash: textOf(valueOf(required(hash))),
    machineVersion: numberOf(version),
    parent: known.parent,
    forkedFrom: known.forkedFrom,
    timeoutMs: unpackedTime(known.timeoutMs),
    deadline: deadline ? timeOf(deadline.toString()) : undefined,
    queue: known.queue,
    priority: unpackedNumber(known.priority),
    key: known.key,
    startAt: unpackedTime(known.startAt),
    owner: ownerOf(required(owner).toString()),
    epoch: numberOf(epoch),
    recoveries: numberOf(recoveries),
    ownedMs: numberOf(ownedMs),
    createdAt: unpackedNumber(known.createdAt),
    startedAt: started ? numberOf(started) : undefined,
    updatedAt: numberOf(updated),
    endedAt: ended ? timeOf(ended.toString()) : undefined,
    parkedAt: parked ? numberOf(parked) : undefined,
    dueAt: due ? timeOf(due.toString()) : undefined,
    waitsFor: waitsFor ? valueOf(waitsFor) : undefined,
  }
}

function required(field: Buffer | null | undefined): Buffer {
  if (field == null) throw new Error('a field is missing')
  return field
}

function numberOf(field: Buffer | null | undefined): number {
  const text = required(field).toString()
  const number = Number(text)
  if (text === '' || !Number.isFinite(number)) throw new Error('a field is not a number')
  return number
}

function textOf(packed: unknown): string {
  const text = unpackedText(packed)
  if (text === undefined) throw new Error('a string is missing')
  return text
}
