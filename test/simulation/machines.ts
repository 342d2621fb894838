import { assign, cancel, fromPromise, raise, setup } from 'xstate'
import { invocationOf, machineStep } from '../../src/index.ts'
import type { AnyStep } from '../../src/core/language/step.ts'
import type { MachineLike } from '../../src/core/language/machine-step.ts'
import type { TypedDataType } from '../../src/core/language/data-type.ts'
import { letterKinds } from './machine-model.ts'
import type { LetterKind, SimulatedState } from './machine-model.ts'
import type { MachineLedger } from './machine-ledger.ts'
import type { RandomSource } from './random-source.ts'
import { shortName } from './simulated-step.ts'
import type { SimulatedStep } from './simulated-step.ts'
import type { SimulatedProcess } from './simulated-process.ts'

interface Context {
  /** What the machine has taken, in its order. */
  readonly log: readonly string[]
}

/** Where something is invoked: the state, and how much the machine had taken when it came there. */
export interface Visit {
  readonly state: number
  readonly visit: number
}

/** The data type of one of the letters that a step's machine gets. */
export const letterName = ({ name }: Pick<SimulatedStep, 'name'>, kind: LetterKind): string => `${name}.${kind}`

/** A step whose work is a machine that keeps a log of all that it has taken. */
export function machineOf(
  each: SimulatedStep,
  ports: { readonly name: string; readonly inputs: object; readonly output: unknown },
  process: SimulatedProcess,
  random: RandomSource,
  ledger: MachineLedger,
  letterType: (name: string) => TypedDataType,
): AnyStep {
  const { states } = each.machine!
  const work = fromPromise<string, Visit>(async ({ input, self, signal }) => {
    const made = ledger.began(each, input, invocationOf(self)!, process)
    const { shortestMs, longestMs, failureRate } = states[input.state]!.invokes!
    const fails = random.chance(failureRate)
    await process.sleep(random.between(shortestMs, longestMs), each.heeds ? signal : undefined)
    if (fails) throw new Error(`${made} fails`)
    return made
  })
  const machine = setup({ actors: { work } }).createMachine({
    id: 'simulated',
    context: { log: [] },
    initial: 's0',
    output: ({ context }: { context: Context }) => `${shortName(each)}(${context.log.join('; ')})`,
    states: {
      ...Object.fromEntries(states.map((state, index) => [`s${index}`, configOf(state, index)])),
      [`s${states.length}`]: { type: 'final' },
    },
  } as never)
  return machineStep({
    ...ports,
    timeout: each.timeoutMs,
    machine: machine as unknown as MachineLike,
    input: () => undefined,
    events: Object.fromEntries(letterKinds.map((kind) => [kind, letterType(letterName(each, kind))])),
  } as never) as unknown as AnyStep
}

function configOf({ moves, afterMs, nudgeMs, invokes }: SimulatedState, index: number): object {
  const next = `s${index + 1}`
  const transitions = letterKinds.flatMap((kind) => {
    const actions = noting(({ value }) => `${kind} ${String(value)}`)
    const move = moves[kind]
    if (move === 'ignored') return []
    const to = move === 'next' ? { target: next } : move === 'again' ? { target: `s${index}`, reenter: true } : {}
    return [[kind, { ...to, actions }] as const]
  })
  return {
    on: { ...Object.fromEntries(transitions), NUDGE: { actions: noting(() => `nudge ${index}`) } },
    ...(afterMs !== undefined && {
      after: { [afterMs]: { target: next, actions: noting(() => `after ${index}`) } },
    }),
    ...(nudgeMs !== undefined && {
      entry: raise({ type: 'NUDGE' }, { delay: nudgeMs, id: 'nudge' }),
      exit: cancel('nudge'),
    }),
    ...(invokes !== undefined && {
      invoke: {
        src: 'work',
        input: ({ context }: { context: Context }): Visit => ({ state: index, visit: context.log.length }),
        onDone: { target: next, actions: noting(({ output }) => `done ${String(output)}`) },
        onError: { target: `s${index}`, reenter: true, actions: noting(() => `failed ${index}`) },
      },
    }),
  }
}

/** Notes what was taken. */
function noting(entryOf: (event: { readonly value?: unknown; readonly output?: unknown }) => string): unknown {
  return assign(({ context, event }: { context: Context; event: object }) => ({
    log: [...context.log, entryOf(event)],
  }))
}
