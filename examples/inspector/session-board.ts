/** What the inspector sends, as far as this example reads it. */
export interface Frame {
  readonly type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot'
  readonly sessionId: string
  readonly name?: string
  /** The machine as JSON text. */
  readonly definition?: string
  readonly snapshot?: { readonly value?: unknown; readonly context?: { readonly attempt?: number } }
}

const names = new Map<string, string>()
const shown = new Map<string, string>()

/** A line for each actor that appears and each state that it enters; nothing for the rest. */
export function describeFrame(frame: Frame): string | undefined {
  if (frame.type === '@xstate.actor') {
    names.set(frame.sessionId, frame.name ?? frame.sessionId)
    const { id, states } = JSON.parse(frame.definition ?? '{}') as { readonly id?: string; readonly states?: object }
    return `${frame.name} is a machine "${id}" with the states ${Object.keys(states ?? {}).join(', ')}`
  }
  const { sessionId, snapshot } = frame
  if (frame.type !== '@xstate.snapshot' || snapshot === undefined) return undefined
  const attempt = (snapshot.context?.attempt ?? 0) > 1 ? ` (attempt ${snapshot.context!.attempt})` : ''
  const text = `${String(snapshot.value)}${attempt}`
  if (shown.get(sessionId) === text) return undefined
  shown.set(sessionId, text)
  return `${names.get(sessionId) ?? sessionId}: ${text}`
}

/** The frames that a late-comer needs to see the present: each actor, and its latest snapshot. */
export class SessionBoard {
  readonly #actors = new Map<string, Frame>()
  readonly #snapshots = new Map<string, Frame>()

  keep(frame: Frame): void {
    if (frame.type === '@xstate.actor') this.#actors.set(frame.sessionId, frame)
    if (frame.type === '@xstate.snapshot') this.#snapshots.set(frame.sessionId, frame)
  }

  get frames(): readonly Frame[] {
    return [...this.#actors.values(), ...this.#snapshots.values()]
  }
}
