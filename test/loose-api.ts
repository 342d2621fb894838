import { afterEach, expect } from 'vitest'
import * as docket from '../src/index.ts'
import { dataType, StepError, type } from '../src/index.ts'
import type { AnyDataType, DataType } from '../src/core/language/data-type.ts'
import type { ExecutionEvent } from '../src/core/contracts/events.ts'
import type { AnyGraph } from '../src/core/graph/graph-index.ts'
import { flush } from '../src/testing/virtual-clock.ts'

// The public API with its compile-time types forgotten: these tests hand in what the compiler would refuse.

type LooseGraph = (declaration: unknown) => AnyGraph
type LooseExecute = (graph: unknown, target: unknown, inputs: unknown, options?: unknown) => Promise<unknown>
type LooseBatch = (graph: unknown, target: unknown, items: unknown, options?: unknown) => Promise<readonly unknown[]>

let graphs = 0

/** A graph name that no other test has: what is remembered globally is remembered under it. */
export function uniqueName(prefix = 'graph'): string {
  return `${prefix}-${process.pid}-${++graphs}`
}

/** A checked graph from any declaration. @throws GraphError */
export const looseGraph = docket.untypedGraph as unknown as LooseGraph

/** A graph of these steps under a name of its own. */
export function graphOf(steps: readonly unknown[], more: object = {}): AnyGraph {
  return looseGraph({ name: uniqueName(), steps, ...more })
}

const looseExecute = docket.execute as unknown as LooseExecute

export function run(graph: unknown, target: unknown, inputs: unknown = {}, options?: unknown): Promise<unknown> {
  return looseExecute(graph, target, inputs, options)
}

export const runBatch = docket.executeBatch as unknown as LooseBatch

/** Unchecked types of numbers and of texts. */
export function number<Name extends string>(name: Name): DataType<Name, number> {
  return dataType(name, type<number>())
}

export function text<Name extends string>(name: Name): DataType<Name, string> {
  return dataType(name, type<string>())
}

/** What a promise is rejected with. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([promise])
  if (outcome.status === 'fulfilled') expect.unreachable('the promise was fulfilled')
  return (outcome as PromiseRejectedResult).reason
}

/** The Error that a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error> {
  const error = await rejectionOf(promise)
  expect(error).toBeInstanceOf(Error)
  return error as Error
}

/** The StepError that a promise is rejected with. */
export async function stepErrorOf(promise: Promise<unknown>): Promise<StepError> {
  const error = await rejectionOf(promise)
  expect(error).toBeInstanceOf(StepError)
  return error as StepError
}

/** What a call throws. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call()
  } catch (thrown) {
    return thrown
  }
  return expect.unreachable('the call threw nothing')
}

/** An observer that keeps all events. */
export function recorder(): { readonly events: ExecutionEvent[]; readonly observer: (event: ExecutionEvent) => void } {
  const events: ExecutionEvent[] = []
  return { events, observer: (event) => void events.push(event) }
}

/** A promise that never settles: a step that never answers. */
export function never<Value>(): Promise<Value> {
  return new Promise(() => {})
}

/** Fails each test of the file after which the process would have died. */
export function expectNoUnhandledErrors(): void {
  const unhandled: unknown[] = []
  const keep = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', keep)
  process.on('uncaughtException', keep)
  afterEach(async () => {
    await flush()
    await flush()
    expect(unhandled.splice(0)).toEqual([])
  })
}

export type { AnyDataType, AnyGraph, ExecutionEvent }
