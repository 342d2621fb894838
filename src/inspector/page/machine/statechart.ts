/** A transition of a machine. */
export interface ChartTransition {
  readonly event: string
  /** Paths of the states it leads to; none for what stays where it is. */
  readonly targets: readonly string[]
  readonly guard?: string | undefined
  readonly actions: readonly string[]
}

/** A state of a machine, with those in it. */
export interface ChartState {
  /** Keys from the root on, with dots between them: `''` for the root. */
  readonly path: string
  readonly key: string
  readonly type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history'
  readonly isInitial: boolean
  readonly children: readonly ChartState[]
  readonly transitions: readonly ChartTransition[]
  readonly invokes: readonly string[]
}

/** More than that is left out: a machine of strangers must not take the page down. */
const mostStates = 2_000

/**
 * The states of a machine: of XState's `machine.config`, of its `machine.definition`, or of the JSON of either. Returns undefined for what is no machine.
 * It comes from other programs: nothing in it is relied on.
 */
export function statechartOf(definition: unknown): ChartState | undefined {
  const root = recordOf(typeof definition === 'string' ? parsed(definition) : definition)
  if (root === undefined) return undefined
  const ids = new Map<string, string>()
  const rootId = textOf(root['id']) ?? textOf(root['key']) ?? 'machine'
  let left = mostStates
  const collect = (node: JsonRecord, path: string): void => {
    if (left-- <= 0) return
    ids.set(textOf(node['id']) ?? (path === '' ? rootId : `${rootId}.${path}`), path)
    for (const [key, child] of Object.entries(recordOf(node['states']) ?? {})) {
      const inner = recordOf(child)
      if (inner !== undefined) collect(inner, path === '' ? key : `${path}.${key}`)
    }
  }
  collect(root, '')
  left = mostStates
  const build = (node: JsonRecord, path: string, key: string, isInitial: boolean): ChartState => {
    const children: ChartState[] = []
    const initial = initialOf(node)
    const type = typeOf(node)
    for (const [name, child] of Object.entries(recordOf(node['states']) ?? {})) {
      if (left-- <= 0) break
      const inner = recordOf(child) ?? {}
      const childPath = path === '' ? name : `${path}.${name}`
      children.push(build(inner, childPath, name, type !== 'parallel' && name === initial))
    }
    return {
      path,
      key,
      type,
      isInitial,
      children,
      transitions: transitionsOf(node, path, ids),
      invokes: listOf(node['invoke']).map((invoke) => nameOf(recordOf(invoke)?.['src']) ?? 'invoked'),
    }
  }
  return build(root, '', rootId, false)
}

type JsonRecord = Readonly<Record<string, unknown>>

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function recordOf(value: unknown): JsonRecord | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonRecord) : undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined || value === null ? [] : Array.isArray(value) ? value : [value]
}

/** The name of an action, a guard or an actor, which may be an object with its type. */
function nameOf(value: unknown): string | undefined {
  return textOf(value) ?? textOf(recordOf(value)?.['type']) ?? textOf(recordOf(value)?.['name'])
}

function initialOf(node: JsonRecord): string | undefined {
  const given = node['initial']
  const [target] = listOf(recordOf(given)?.['target'])
  return textOf(given) ?? textOf(target)?.split('.').at(-1)
}

function typeOf(node: JsonRecord): ChartState['type'] {
  const type = textOf(node['type'])
  if (type === 'parallel' || type === 'final' || type === 'history') return type
  return Object.keys(recordOf(node['states']) ?? {}).length > 0 ? 'compound' : 'atomic'
}

function transitionsOf(node: JsonRecord, path: string, ids: ReadonlyMap<string, string>): readonly ChartTransition[] {
  const found: ChartTransition[] = []
  const add = (event: string, given: unknown): void => {
    for (const one of listOf(given)) {
      const transition = recordOf(one)
      const targets = listOf(transition === undefined ? one : transition['target']).flatMap((target) => {
        const text = textOf(target)
        return text === undefined ? [] : [resolved(text, path, ids)]
      })
      found.push({
        event,
        targets,
        guard: nameOf(transition?.['guard'] ?? transition?.['cond']),
        actions: listOf(transition?.['actions']).flatMap((action) => nameOf(action) ?? []),
      })
    }
  }
  const listed = node['transitions']
  if (Array.isArray(listed)) {
    // Of a definition: every transition is spelled out there, those that take time and those at the end too.
    for (const one of listed) add(eventText(textOf(recordOf(one)?.['eventType']) ?? ''), one)
    return found
  }
  for (const [event, given] of Object.entries(recordOf(node['on']) ?? {})) add(eventText(event), given)
  for (const [delay, given] of Object.entries(recordOf(node['after']) ?? {})) add(`after ${delayText(delay)}`, given)
  add('always', node['always'])
  add('done', node['onDone'])
  for (const invoke of listOf(node['invoke'])) {
    const record = recordOf(invoke)
    const name = nameOf(record?.['src']) ?? 'invoked'
    add(`${name} done`, record?.['onDone'])
    add(`${name} failed`, record?.['onError'])
    add(`${name} changed`, record?.['onSnapshot'])
  }
  return found
}

function delayText(delay: string): string {
  return /^\d+$/.test(delay) ? `${delay} ms` : delay
}

/** An event as people name it: XState's own ones are spelled out. */
function eventText(event: string): string {
  if (event === '') return 'always'
  const after = /^xstate\.after\.([^.]+)/.exec(event)
  if (after !== null) return `after ${delayText(after[1]!)}`
  const done = /^xstate\.(done|error)\.(actor|state)\.(.*)$/.exec(event)
  if (done !== null)
    return `${done[2] === 'state' ? '' : `${done[3]!.split('.').at(-1)} `}${done[1] === 'done' ? 'done' : 'failed'}`
  return event
}

/** The path of a target: `#id`, `#id.child`, `.child`, or a sibling. */
function resolved(target: string, path: string, ids: ReadonlyMap<string, string>): string {
  if (target.startsWith('#')) {
    const id = target.slice(1)
    const known = ids.get(id)
    if (known !== undefined) return known
    for (const [name, at] of ids)
      if (id.startsWith(`${name}.`)) return at === '' ? id.slice(name.length + 1) : `${at}${id.slice(name.length)}`
    return id
  }
  if (target.startsWith('.')) return path === '' ? target.slice(1) : path + target
  const parent = path.includes('.') ? path.slice(0, path.lastIndexOf('.')) : ''
  return parent === '' ? target : `${parent}.${target}`
}

/** The paths of the states that a machine is in, as XState writes them: `'a'`, `{ a: 'b' }`, `{ a: {}, b: { c: 'd' } }`. */
export function activePaths(value: unknown): ReadonlySet<string> {
  const paths = new Set<string>()
  const walk = (part: unknown, path: string): void => {
    if (paths.size > mostStates) return
    const text = textOf(part)
    if (text !== undefined) paths.add(path === '' ? text : `${path}.${text}`)
    for (const [key, inner] of Object.entries(recordOf(part) ?? {})) {
      const own = path === '' ? key : `${path}.${key}`
      paths.add(own)
      walk(inner, own)
    }
  }
  walk(value, '')
  return paths
}
