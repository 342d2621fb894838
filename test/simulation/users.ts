import { isTerminal } from '../../src/core/contracts/statuses.ts'
import type { Life } from './life.ts'
import { recordKey } from './batch-ledger.ts'
import { randomPlace } from './limits.ts'
import type { SimulatedPlace } from './limits.ts'
import { noteName } from './notes.ts'
import { isShared, keyOfItem, randomBatch } from './random-batch.ts'
import type { SimulatedBatch } from './random-batch.ts'
import type { RandomSource } from './random-source.ts'
import type { Simulation } from './run-seed.ts'
import { eventKeys, eventTypes } from './broadcasts.ts'
import type { Beginning } from './operations.ts'
import type { SimulatedDocket } from './simulated-docket.ts'
import { randomKeys } from './start-keys.ts'
import type { SimulatedGraph, SimulatedStep } from './simulated-step.ts'

/** A signal that somebody has sent, and may send again. */
interface Sent {
  readonly execution: string
  readonly name: string
  readonly letter: { readonly id: string; readonly value: string; readonly item?: number | undefined }
}

/** Those who ask the processes of a world for something, as far as chance has them do so. */
export class Users {
  readonly #simulation: Simulation
  readonly #random: RandomSource
  /** Those that are started. */
  readonly #graphs: readonly SimulatedGraph[]
  readonly #ids: string[] = []
  readonly #sent: Sent[] = []
  readonly #places = new Map<string, SimulatedPlace>()
  readonly #asked = new Set<string>()
  #forks = 0

  constructor(simulation: Simulation, random: RandomSource, graphs: readonly SimulatedGraph[]) {
    this.#simulation = simulation
    this.#random = random
    this.#graphs = graphs
  }

  /** A process that can be asked, whether it runs executions or not. */
  someone(): SimulatedDocket | undefined {
    return this.#oneOf(this.#simulation.dockets.filter((docket) => docket.isUsable && docket.place === 'here'))
  }

  /** One that can be asked about an execution: where it is, mostly. */
  someoneFor(id: string): SimulatedDocket | undefined {
    const { moves, lives } = this.#simulation.history
    const life = lives.get(id)
    if (moves === undefined || life === undefined || this.#random.chance(0.1)) return this.someone()
    const place = moves.placeOf(life)
    return (
      this.#oneOf(this.#simulation.dockets.filter((docket) => docket.isUsable && docket.place === place)) ??
      this.someone()
    )
  }

  /** The one that is asked, or one where the execution is. */
  #facing(docket: SimulatedDocket, id: string): SimulatedDocket {
    return this.#simulation.history.moves === undefined ? docket : (this.someoneFor(id) ?? docket)
  }

  #worker(): SimulatedDocket | undefined {
    return this.#oneOf(this.#simulation.workers.filter(({ place }) => place === 'here'))
  }

  #oneOf(dockets: readonly SimulatedDocket[]): SimulatedDocket | undefined {
    return dockets.length === 0 ? undefined : this.#random.pick(dockets)
  }

  start(): void {
    const docket = this.#worker()
    if (docket === undefined) return
    const random = this.#random
    if (this.#simulation.features.hasBatches && random.chance(0.5)) {
      this.#startBatch()
      return
    }
    let id: string
    if (this.#ids.length > 0 && random.chance(0.3)) id = random.pick(this.#ids)
    else this.#ids.push((id = `e${this.#ids.length + 1}`))
    const number = Number(id.slice(1))
    const graph = this.#graphs[number % this.#graphs.length]!
    // Few values, so that global results meet; now and then another one than the id stands for.
    const seed = random.chance(0.05) ? 'x' : String(number % 3)
    const overrides = this.#overridesOf(id, graph)
    // What is given may make that a signal is waited for no more.
    const mayGive = this.#simulation.features.hasWaits && overrides === undefined
    const signals = mayGive ? this.#signalsOf(graph) : undefined
    const begins = { ...this.#beginningOf(id), keys: this.#keysOf(id), overrides }
    docket.start(graph.name, id, [`a${seed}`, `b${seed}`], random.chance(0.7), this.#endsInMs(), signals, begins)
    if (!random.chance(0.2)) return
    // The same from elsewhere at the same time.
    this.#worker()?.start(graph.name, id, [`a${seed}`, `b${seed}`], true, undefined, undefined, this.#againWith(begins))
  }

  #startBatch(): void {
    const random = this.#random
    const known = [...this.#simulation.batches.values()]
    let batch = known.length > 0 && random.chance(0.3) ? random.pick(known) : undefined
    if (batch === undefined) {
      const id = `b${known.length + 1}`
      batch = randomBatch(random, id, random.pick(this.#graphs))
      if (this.#simulation.features.hasOverrides) batch = { ...batch, override: randomOverride(random, batch.graph) }
      this.#simulation.batches.set(id, batch)
    }
    const begins = { ...this.#beginningOf(batch.id), overrides: this.#overridesOf(batch.id, batch.graph) }
    this.#worker()?.startBatch(batch, random.chance(0.7), this.#endsInMs(), begins)
    if (random.chance(0.2)) this.#worker()?.startBatch(batch, true, undefined, this.#againWith(begins))
  }

  /** Starts a batch once more, of which nobody was told that it survives. */
  startAgain(batch: SimulatedBatch): void {
    this.someoneFor(batch.id)?.startBatch(
      batch,
      true,
      undefined,
      this.#againWith({ overrides: this.#overridesOf(batch.id, batch.graph) }),
    )
  }

  /** When an execution begins; how long it may take is the same for all who start it. */
  #beginningOf(id: string): Beginning {
    const random = this.#random
    const { lifetimes } = this.#simulation.history
    const place = this.#placeOf(id)
    if (!this.#simulation.features.hasLifetimes) return { place }
    if (!lifetimes.has(id) && random.chance(0.5))
      lifetimes.set(id, {
        maxPending: random.pick([undefined, 200, 2_000]),
        maxRunning: random.pick([undefined, 300, 3_000, 15_000, 40_000]),
      })
    else lifetimes.set(id, lifetimes.get(id) ?? {})
    const kind = random.weighted({ atOnce: 60, later: 25, elsewhere: 15 })
    if (kind === 'later') return { place, inMs: random.pick([100, 1_000, 5_000]) }
    return kind === 'elsewhere' ? { place, eager: false } : { place }
  }

  /** What those say as well who ask for the same. */
  #againWith({ keys, overrides }: Beginning): Beginning | undefined {
    return keys === undefined && overrides === undefined ? undefined : { keys, overrides }
  }

  /** Of what an execution is to be the only one. */
  #keysOf(id: string): Beginning['keys'] {
    const { keys } = this.#simulation.history
    if (keys === undefined) return undefined
    if (!this.#asked.has(id) && this.#random.chance(0.7)) keys.all.set(id, randomKeys(this.#random))
    this.#asked.add(id)
    return keys.all.get(id)
  }

  /** What an execution is given for what one of its steps makes. */
  #overridesOf(id: string, graph: SimulatedGraph): Beginning['overrides'] {
    const { features, history } = this.#simulation
    if (!features.hasOverrides) return undefined
    const batch = this.#simulation.batches.get(id)
    if (batch !== undefined) {
      if (batch.override !== undefined) history.overrides.set(id, overrideOf(graph, batch.override))
    } else if (!history.overrides.has(id)) {
      const override = randomOverride(this.#random, graph)
      history.overrides.set(id, override === undefined ? {} : overrideOf(graph, override))
    }
    return typesOf(history.overrides.get(id) ?? {})
  }

  /** Where an execution stands among others. */
  #placeOf(id: string): SimulatedPlace | undefined {
    if (!this.#simulation.features.hasQueues) return undefined
    const place = this.#places.get(id) ?? randomPlace(this.#random)
    this.#places.set(id, place)
    return place
  }

  /** How long an execution may take until its deadline. */
  #endsInMs(): number | undefined {
    if (!this.#simulation.features.hasDeadlines || !this.#random.chance(0.5)) return undefined
    return this.#random.pick([1, 50, 500, 3_000, 10_000, 30_000])
  }

  /** Values that come with a start. */
  #signalsOf(graph: SimulatedGraph): Readonly<Record<string, string>> | undefined {
    const { letters } = this.#simulation.history
    const names = signalsOf(graph).filter(() => this.#random.chance(0.15))
    if (names.length === 0) return undefined
    const values = names.map(({ name }) => [name, letters!.write(false)] as const)
    for (const [, value] of values) letters!.give(value)
    return Object.fromEntries(values)
  }

  /** Sends a signal, to whatever is there and maybe to what is not: a new one, or one again. */
  send(): void {
    const random = this.#random
    const docket = this.someone()
    const { history } = this.#simulation
    if (docket === undefined) return
    if (this.#sent.length > 0 && random.chance(0.2)) {
      const { execution, name, letter } = random.pick(this.#sent)
      this.#facing(docket, execution).signal(execution, name, letter, random.int(1, 2))
      return
    }
    const lives = [...history.lives.values()]
    const life = lives.length === 0 || random.chance(0.05) ? undefined : random.pick(lives)
    const steps = life === undefined ? [] : this.#stepsOf(life)
    const waited = steps.filter(({ kind }) => kind === 'signal')
    const step = waited.length === 0 || random.chance(0.03) ? steps[0] : random.pick(waited)
    const batch = life === undefined ? undefined : this.#simulation.batches.get(life.id)
    const isOfItem = batch !== undefined && step !== undefined && !isShared(batch, steps.indexOf(step))
    const item = isOfItem && batch.items.length > 0 ? random.int(0, batch.items.length - 1) : undefined
    this.#sendTo(docket, life?.id ?? 'nobody', step?.name ?? 'Nothing', random.chance(0.15), item)
  }

  /** Emits an event that something may wait for, or will, or has waited for; from two processes at once at times. */
  emit(): void {
    const random = this.#random
    const of = random.int(0, eventTypes.length - 1)
    const key = random.chance(0.6) ? random.pick(eventKeys) : `${random.pick(['a', 'b'])}${random.int(0, 3)}`
    for (let times = random.chance(0.25) ? 2 : 1; times > 0; times--) this.someone()?.emit(of, key)
  }

  /** Takes an execution out of its docket. */
  detach(): void {
    const lives = [...this.#simulation.history.lives.values()]
    if (lives.length > 0) this.someone()?.detach(this.#random.pick(lives).id)
  }

  /** Writes to a function, twice at times. */
  note(): void {
    const random = this.#random
    const lives = [...this.#simulation.history.lives.values()]
    if (lives.length > 0) this.#noteTo(random.pick(lives), random.chance(0.1))
  }

  #noteTo(life: Life, isWrong: boolean): void {
    const { notes } = this.#simulation.history
    const batch = this.#simulation.batches.get(life.id)
    for (const [at, step] of this.#stepsOf(life).entries()) {
      if ((step.verbs?.more?.receives.length ?? 0) === 0) continue
      const isEach = batch !== undefined && !isShared(batch, at)
      for (const item of isEach ? batch.items.keys() : [undefined])
        this.someoneFor(life.id)?.note(
          life.id,
          noteName(step),
          notes!.write(isWrong),
          item,
          this.#random.chance(0.15) ? 2 : 1,
        )
    }
  }

  /** Gives a timer another time, sooner or later, or now. */
  move(): void {
    const random = this.#random
    const docket = this.someone()
    const lives = [...this.#simulation.history.lives.values()].filter(({ kind }) => kind === 'execution')
    if (docket === undefined || lives.length === 0) return
    const life = random.pick(lives)
    const timers = this.#stepsOf(life).filter(({ kind }) => kind === 'timer')
    if (timers.length > 0)
      this.#facing(docket, life.id).reschedule(life.id, random.pick(timers).name, random.pick([0, 200, 3_000, 30_000]))
  }

  /** Somebody answers what waits for a signal and has none. */
  answerAll(): void {
    for (const { of, key } of this.#simulation.history.broadcasts?.wanted() ?? []) this.someone()?.emit(of, key)
    for (const life of this.#simulation.history.lives.values()) {
      if (isTerminal(life.status)) continue
      if (this.#simulation.history.notes !== undefined) this.#noteTo(life, false)
      const batch = this.#simulation.batches.get(life.id)
      for (const [at, { name, kind }] of this.#stepsOf(life).entries()) {
        if (kind !== 'signal') continue
        const isEach = batch !== undefined && !isShared(batch, at)
        for (const item of isEach ? batch.items.keys() : [undefined]) {
          const key = item === undefined ? '' : keyOfItem(batch!, item)
          const docket = this.someone()
          if (life.steps.get(recordKey(name, key))?.record.status !== 'completed' && docket !== undefined)
            this.#sendTo(docket, life.id, name, false, item)
        }
      }
    }
  }

  #sendTo(docket: SimulatedDocket, execution: string, name: string, isWrong: boolean, item?: number): void {
    const value = this.#simulation.history.letters!.write(isWrong)
    const letter = { id: `m${this.#sent.length + 1}`, value, item }
    this.#sent.push({ execution, name, letter })
    this.#facing(docket, execution).signal(execution, name, letter, this.#random.chance(0.15) ? 2 : 1)
  }

  #stepsOf({ target }: Life): readonly SimulatedStep[] {
    const name = target.slice(0, target.indexOf('.'))
    return this.#simulation.graphs.find((graph) => graph.name === name)!.steps
  }

  ask(): void {
    const docket = this.#simulation.features.hasWaits ? this.someone() : this.#worker()
    const ids = [...this.#ids, ...this.#simulation.batches.keys()]
    if (docket === undefined || ids.length === 0) return
    const kind = this.#random.weighted({ result: 6, resume: 1, list: 1 })
    if (docket.isWatcher && kind === 'resume') return
    if (kind === 'result') {
      const id = this.#random.pick(ids)
      this.#facing(docket, id).result(id)
    } else docket[kind]()
  }

  /** One of them, or a child of some execution. */
  #anyOf(ids: readonly string[]): string {
    const children = [...this.#simulation.history.lives.keys()].filter((id) => id.includes('/'))
    const isChild = this.#simulation.features.hasWaits && children.length > 0 && this.#random.chance(0.2)
    return this.#random.pick(isChild ? children : ids)
  }

  meddle(): void {
    const docket = this.#worker()
    const ids = [...this.#ids, ...this.#simulation.batches.keys()]
    if (docket === undefined || ids.length === 0) return
    const id = this.#anyOf(ids)
    const kind = this.#random.weighted({ cancel: 4, retry: 3, delete: 2, fork: 2 })
    if (this.#simulation.features.hasStores) {
      const asked = this.#facing(docket, id)
      // Who does not know the graph leaves a retry to those who have it.
      const facing = asked.isWatcher ? docket : asked
      if (this.#simulation.history.lives.get(id)?.parent === undefined && this.#random.chance(0.7)) facing.cancel(id)
      else facing.retry(id)
      return
    }
    if (this.#simulation.features.hasWaits && this.#random.chance(0.1)) {
      docket.purge(this.#random.pick([0, 1_000, 10_000]))
      return
    }
    if (this.#simulation.features.hasOddments && this.#random.chance(0.2)) {
      docket.retryAll(this.#random.pick(['failed', 'cancelled']), this.#random.pick([1, 3, 100]))
      return
    }
    if (kind !== 'fork' || id.includes('/')) {
      if (kind === 'fork') return
      docket[kind](id)
      return
    }
    const graph = this.#graphs[Number(id.slice(1)) % this.#graphs.length]!
    const newId = `f${++this.#forks}`
    const override =
      this.#simulation.features.hasOverrides && id.startsWith('e') ? randomOverride(this.#random, graph) : undefined
    if (override === undefined) {
      docket.fork(id, this.#random.pick(graph.steps).name, newId)
      this.#simulation.history.overrides.set(newId, this.#simulation.history.overrides.get(id) ?? {})
      return
    }
    const own = overrideOf(graph, override)
    this.#simulation.history.overrides.set(newId, { ...this.#simulation.history.overrides.get(id), ...own })
    docket.fork(id, undefined, newId, typesOf(own))
  }
}

function signalsOf({ steps }: SimulatedGraph): readonly SimulatedStep[] {
  return steps.filter(({ kind }) => kind === 'signal')
}

/** A value in the place of what a step makes that is a function. */
function randomOverride(random: RandomSource, { steps }: SimulatedGraph): SimulatedBatch['override'] {
  const possible = steps.slice(0, -1).flatMap(({ kind }, step) => (kind === undefined ? [step] : []))
  if (possible.length === 0 || !random.chance(0.4)) return undefined
  return { step: random.pick(possible), value: `given${random.int(0, 9)}` }
}

function overrideOf(
  { steps }: SimulatedGraph,
  { step, value }: NonNullable<SimulatedBatch['override']>,
): Readonly<Record<string, string>> {
  return { [steps[step]!.name]: value }
}

function typesOf(overrides: Readonly<Record<string, string>>): Readonly<Record<string, string>> | undefined {
  const given = Object.entries(overrides).map(([name, value]) => [`${name}.Out`, value] as const)
  return given.length === 0 ? undefined : Object.fromEntries(given)
}
