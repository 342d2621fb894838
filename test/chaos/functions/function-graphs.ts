import { assign, fromPromise, setup } from 'xstate'
import { dataType, durableStep, graph, invocationOf, machineStep, type, update } from '../../../src/index.ts'
import type { AnyGraph } from '../../../src/core/graph/graph-index.ts'
import type { AnyDataType } from '../../../src/core/language/data-type.ts'
import type { Answer } from '../../processes/linearizability/register.ts'
import type { Mark } from '../chaos-graphs.ts'

/** A message from outside, by its number among those that are sent to one execution. */
export interface Letter {
  readonly id: string
}

/** What one sends to a ledger, besides letters. */
export interface Operated {
  readonly kind: 'read' | 'write' | 'add'
  readonly amount: number
}

export const Deposit = dataType('Deposit', type<Letter>())
export const Operate = update('Operate', { input: type<Operated>(), output: type<Answer>() })
export const AddItem = dataType('AddItem', type<Letter>())
export const CheckOut = dataType('CheckOut', type<Letter>())

/** What a ledger ends with. */
export interface LedgerEnd {
  readonly taken: readonly string[]
  readonly turn: number
  readonly value: number
  readonly last: string
}

/** What a cart ends with. */
export interface CartEnd {
  readonly items: readonly string[]
  readonly end: 'paid' | 'abandoned'
  readonly receipt: string
}

/** How many a ledger takes before it ends, and how often it waits in vain. */
export const wantedBy = (n: number): number => 4 + (n % 6)
const mostQuiet = 4
const quietMs = 1_200
/** After so long a cart is abandoned. */
export const abandonMs = 6_000

/** What the functions of the graphs do to the world. */
export interface FunctionDeeds {
  /** An effect of a verb or an invocation. `after`: the tag of the one before, which it has seen. */
  effect(
    call: { readonly execution: string; readonly what: string; readonly key: string; readonly after: string },
    signal: AbortSignal,
  ): Promise<string>
  /** The function was given this, now or when it ran before. */
  given(execution: string, verb: string, what: string): void
  /** A delay was armed, or is over. */
  delay(execution: string, what: 'armed' | 'over'): void
}

export interface FunctionGraph {
  readonly graph: AnyGraph
  readonly target: AnyDataType
}

const Seed = dataType('Seed', type<Mark>())

/** The graphs, by name, with what their functions do. */
export function functionGraphs(deeds: FunctionDeeds): ReadonlyMap<string, FunctionGraph> {
  return new Map([
    ['ledgers', ledgers(deeds)],
    ['carts', carts(deeds)],
  ])
}

function ledgers(deeds: FunctionDeeds): FunctionGraph {
  const End = dataType('LedgerEnd', type<LedgerEnd>())
  const ledger = durableStep({
    name: 'Ledger',
    inputs: { seed: Seed },
    output: End,
    receives: [Deposit, Operate],
    run: async ({ seed }, ctx) => {
      const { executionId: execution } = ctx
      let last = seed.tag
      const book = async (name: string, shown = name): Promise<void> => {
        const after = last
        last = await ctx.step(name, ({ idempotencyKey: key, signal }) =>
          deeds.effect({ execution, what: shown, key, after }, signal),
        )
        deeds.given(execution, shown, last)
      }
      await book('open')
      const taken: string[] = []
      let [value, turn, quiet] = [0, 0, 0]
      for (let count = 1; taken.length + turn < wantedBy(seed.n) && quiet < mostQuiet; count++) {
        const message = await ctx.receive([Deposit, Operate], { timeout: quietMs })
        if (message.timedOut === true) {
          deeds.given(execution, `receive ${count}`, 'nothing')
          quiet++
          continue
        }
        if (message.type === 'Operate') {
          const { kind, amount } = message.value
          deeds.given(execution, `receive ${count}`, `${kind} ${amount}`)
          const before = value
          await book(`operate ${count}`)
          value = kind === 'read' ? before : kind === 'write' ? amount : before + amount
          await message.reply({ turn: ++turn, before, after: value })
          continue
        }
        deeds.given(execution, `receive ${count}`, message.value.id)
        taken.push(message.value.id)
        // The same name again: it is numbered.
        await book('tally', `tally ${taken.length}`)
        if (count % 3 === 0) {
          await ctx.sleep(50 + (seed.n % 400))
          deeds.given(execution, `sleep ${count}`, 'slept')
        }
      }
      return { taken, turn, value, last }
    },
  })
  return { graph: graph({ name: 'ledgers', steps: [ledger] }), target: End }
}

function carts(deeds: FunctionDeeds): FunctionGraph {
  const End = dataType('CartEnd', type<CartEnd>())
  const machine = setup({
    types: {} as {
      context: { execution: string; items: readonly string[]; receipt: string; end: 'paid' | 'abandoned' }
      input: { execution: string }
      events: { type: 'ADD_ITEM'; value: Letter } | { type: 'CHECK_OUT'; value: Letter }
      output: CartEnd
    },
    actors: {
      charge: fromPromise<string, { execution: string; items: readonly string[] }>(({ input, self, signal }) =>
        deeds.effect(
          {
            execution: input.execution,
            what: 'charge',
            key: invocationOf(self)!.idempotencyKey,
            after: input.items.join('+'),
          },
          signal,
        ),
      ),
    },
  }).createMachine({
    id: 'cart',
    context: ({ input }) => ({ execution: input.execution, items: [], receipt: '', end: 'paid' }),
    output: ({ context: { items, receipt, end } }) => ({ items, receipt, end }),
    initial: 'shopping',
    states: {
      shopping: {
        entry: ({ context }) => deeds.delay(context.execution, 'armed'),
        on: {
          ADD_ITEM: { actions: assign({ items: ({ context, event }) => [...context.items, event.value.id] }) },
          CHECK_OUT: 'paying',
        },
        after: { [abandonMs]: 'abandoned' },
      },
      paying: {
        invoke: {
          src: 'charge',
          input: ({ context: { execution, items } }) => ({ execution, items }),
          onDone: { target: 'paid', actions: assign({ receipt: ({ event }) => event.output }) },
        },
      },
      paid: { type: 'final' },
      abandoned: {
        type: 'final',
        entry: [({ context }) => deeds.delay(context.execution, 'over'), assign({ end: 'abandoned' })],
      },
    },
  })
  const cart = machineStep({
    name: 'Cart',
    machine,
    inputs: { seed: Seed },
    input: ({ seed }) => ({ execution: seed.tag }),
    output: End,
    events: { ADD_ITEM: AddItem, CHECK_OUT: CheckOut },
  })
  return { graph: graph({ name: 'carts', steps: [cart] }), target: End }
}
