import { append } from '../core/append.ts'
import { isRecord } from '../core/is-record.ts'
import { defined } from './defined.ts'
import type { ForeignActor, ForeignActors as Answer, ForeignActorState } from './protocol.ts'
import { readJson } from './read-json.ts'
import { cutToBytes } from './value-text.ts'

const most = {
  actors: 1_000,
  bytes: 32 * 1024 * 1024,
  context: 64 * 1024,
  definition: 256 * 1024,
  value: 10_000,
  events: 20,
  name: 200,
} as const

/** An actor as it was heard of last. */
interface Kept {
  readonly connection: number
  readonly id: string
  readonly parent: string | undefined
  name: string
  definition: unknown
  value: unknown
  status: string | undefined
  context: string | undefined
  events: ForeignActorState['events']
  at: string
  isConnected: boolean
  /** Of these as texts: to write a definition anew for each event takes longer than all else. */
  definitionLength: number
  valueLength: number
  /** What is kept of it, roughly. */
  bytes: number
}

/** Actors of other programs, by what XState's own inspectors send of them: states, not a tail, and no more than so many, and so much. */
export class ForeignActors {
  readonly #actors = new Map<string, Kept>()
  readonly #onChange: () => void
  #bytes = 0
  #connections = 0
  #seq = 0
  #leftOut = 0

  constructor(onChange: () => void) {
    this.#onChange = onChange
  }

  get seq(): number {
    return this.#seq
  }

  /** One more program: what takes the frames that it sends, what counts those that are left out, and what is called once it is gone. */
  connect(): { readonly take: (text: string) => void; readonly leaveOut: () => void; readonly leave: () => void } {
    const connection = ++this.#connections
    return {
      take: (text) => this.#take(connection, text),
      leaveOut: () => {
        this.#leftOut++
        this.#changed()
      },
      leave: () => {
        for (const kept of this.#actors.values()) if (kept.connection === connection) kept.isConnected = false
        this.#changed()
      },
    }
  }

  /** All of them, and of one of them everything. @param id of that; without, or where there is none, it is the first machine */
  shown(id?: string): Answer {
    const actors = inOrder([...this.#actors.values()].map(shownActor))
    const chosen = actors.find((one) => one.id === id) ?? actors.find(({ isMachine }) => isMachine) ?? actors[0]
    const leftOut = this.#leftOut === 0 ? undefined : this.#leftOut
    if (chosen === undefined) return defined<Answer>({ actors, chosen, leftOut, seq: this.#seq })
    const { definition, value, context, events } = this.#actors.get(chosen.id)!
    const drawn = { ...chosen, ...defined<Drawn>({ definition, value, context, events }) }
    return defined<Answer>({ actors, chosen: drawn, leftOut, seq: this.#seq })
  }

  /** What is no frame of the protocol is left out: a program must not fail by being shown. */
  #take(connection: number, text: string): void {
    let frame: unknown
    try {
      frame = readJson(text)
    } catch {
      return
    }
    if (!isRecord(frame)) return
    const { sessionId, type } = frame
    if (type !== '@xstate.actor' && type !== '@xstate.event' && type !== '@xstate.snapshot') return
    if (typeof sessionId !== 'string' || sessionId.length > most.name) return
    const id = `${connection}/${sessionId}`
    const kept = this.#actors.get(id) ?? this.#added(connection, id, frame)
    if (type === '@xstate.actor') describe(kept, frame)
    else if (type === '@xstate.event') noteEvent(kept, frame)
    noteSnapshot(kept, frame['snapshot'])
    kept.at = new Date().toISOString()
    this.#measure(kept)
    this.#changed()
  }

  #added(connection: number, id: string, { parentId }: Readonly<Record<string, unknown>>): Kept {
    const parent =
      typeof parentId === 'string' && parentId.length <= most.name ? `${connection}/${parentId}` : undefined
    const kept: Kept = {
      connection,
      id,
      parent,
      name: id,
      definition: undefined,
      value: undefined,
      status: undefined,
      context: undefined,
      events: [],
      at: '',
      isConnected: true,
      definitionLength: 0,
      valueLength: 0,
      bytes: 0,
    }
    this.#actors.set(id, kept)
    return kept
  }

  /** Those that came first go first, where there are too many. */
  #measure(kept: Kept): void {
    const bytes = 1_000 + kept.definitionLength + kept.valueLength + (kept.context?.length ?? 0)
    this.#bytes += bytes - kept.bytes
    kept.bytes = bytes
    for (const [id, oldest] of this.#actors) {
      if (this.#actors.size <= most.actors && this.#bytes <= most.bytes) break
      this.#actors.delete(id)
      this.#bytes -= oldest.bytes
    }
  }

  #changed(): void {
    this.#seq++
    this.#onChange()
  }
}

type Drawn = Omit<ForeignActorState, keyof ForeignActor>

function shownActor({ id, parent, name, definition, status, at, isConnected }: Kept): ForeignActor {
  const isMachine = definition !== undefined
  return defined<ForeignActor>({ id, parent, name, isMachine, status, at, isConnected })
}

function describe(kept: Kept, { name, definition }: Readonly<Record<string, unknown>>): void {
  if (typeof name === 'string') kept.name = name.slice(0, most.name)
  if (typeof definition !== 'string' || definition.length > most.definition) return
  try {
    kept.definition = readJson(definition)
    kept.definitionLength = definition.length
  } catch {
    // It can't be drawn, and is shown without.
  }
}

function noteEvent(kept: Kept, { event }: Readonly<Record<string, unknown>>): void {
  if (!isRecord(event) || typeof event['type'] !== 'string') return
  const one = { type: event['type'].slice(0, most.name), at: new Date().toISOString() }
  kept.events = [one, ...kept.events].slice(0, most.events)
}

function noteSnapshot(kept: Kept, snapshot: unknown): void {
  if (!isRecord(snapshot)) return
  const { status, value, context } = snapshot
  if (typeof status === 'string') kept.status = status.slice(0, most.name)
  const length = lengthOf(value)
  kept.value = length <= most.value ? value : undefined
  kept.valueLength = length <= most.value ? length : 0
  if (context !== undefined) kept.context = cutToBytes(JSON.stringify(context), most.context)
}

function lengthOf(value: unknown): number {
  return value === undefined ? 0 : JSON.stringify(value).length
}

/** Parents before their children, whichever came first. */
function inOrder(actors: readonly ForeignActor[]): readonly ForeignActor[] {
  const known = new Map(actors.map((actor) => [actor.id, actor]))
  const children = Map.groupBy(actors, ({ parent }) => (parent !== undefined && known.has(parent) ? parent : ''))
  const ordered: ForeignActor[] = []
  const seen = new Set<string>()
  const open = [...(children.get('') ?? [])].toReversed()
  for (let actor = open.pop(); actor !== undefined; actor = open.pop()) {
    if (seen.has(actor.id)) continue
    seen.add(actor.id)
    ordered.push(actor)
    append(open, (children.get(actor.id) ?? []).toReversed())
  }
  // Some may say that they are each other's parents.
  return [...ordered, ...actors.filter(({ id }) => !seen.has(id))]
}
