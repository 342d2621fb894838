import type { AnyStep } from '../language/step.ts'

type Kind = AnyStep['kind']

/** The function of the package that declares steps of a kind, where what such a step does comes with it. */
const declarers: Partial<Readonly<Record<Kind, string>>> = {
  timer: 'timer',
  signal: 'signal',
  event: 'event',
  machine: 'machineStep',
  durable: 'durableStep',
  remote: 'remote',
}

const works: Partial<Record<Kind, unknown>> = {}

/**
 * What copies of the package in one process know of kinds: a step that one of them declares runs in the graph of another, of which a bundler may have
 * dropped that kind. The number goes up when the works of steps change their shape.
 */
const everyCopy = Symbol.for('docket.kindWorks.1')
const ofAllCopies = (): Map<Kind, unknown> | undefined => Reflect.get(globalThis, everyCopy) as never

/** Makes it known how steps of a kind work. What is known of another copy of the package stays. */
export function provideWork(kind: Kind, work: unknown): void {
  works[kind] = work
  const others = ofAllCopies()
  if (others === undefined) Object.defineProperty(globalThis, everyCopy, { value: new Map([[kind, work]]) })
  else if (!others.has(kind)) others.set(kind, work)
}

/** How steps of a kind work: in this copy of the package or, where a bundler left that out, in another one. */
export function workOf(kind: Kind): unknown {
  return works[kind] ?? ofAllCopies()?.get(kind)
}

/** What is wrong with a step that was put together by hand, of a kind of which nothing is part of the program; undefined where it is fine. */
export function problemOfWork(kind: Kind): string | undefined {
  const declarer = declarers[kind]
  if (declarer === undefined || workOf(kind) !== undefined) return undefined
  return `is a "${kind}", and how such a step works is not part of this program: declare it with ${declarer}(…)`
}
