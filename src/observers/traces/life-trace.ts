import { AsyncResource } from 'node:async_hooks'
import type * as api from '@opentelemetry/api'
import type { Attributes, Context, Link, Span, SpanContext, Tracer } from '@opentelemetry/api'
import type { ExecutionEvent } from '../../core/contracts/events.ts'
import type { ExecutionLife, LifeAttempt, LifeObserver } from '../../core/contracts/execution-life.ts'
import { showSpans } from '../life-spans.ts'
import { keptLifeOf, textOfLife } from './kept-life.ts'
import type { KeptLife } from './kept-life.ts'
import { failSpan } from './span-errors.ts'
import { headerOf, parseTraceParent } from './trace-parent.ts'

/** What is needed of @opentelemetry/api. */
export type TraceApi = Pick<typeof api, 'context' | 'propagation' | 'ROOT_CONTEXT' | 'SpanKind' | 'trace'>

type Key = string

/** How a step, or an item's step, is found. */
function keyOf({ step, item }: LifeAttempt): Key {
  return item === undefined ? step : `${item} ${step}`
}

/** The observer of one life of an execution; where it is not sampled, it only says so to what steps call. */
export function traceOfLife(api: TraceApi, tracer: Tracer, life: ExecutionLife, isKept: IsKept): LifeObserver {
  const base = api.context.active()
  const { record } = life
  const kept = keptLifeOf(record?.kept)
  const links = linksOf(api, base, life, kept)
  const root = startRoot(api, tracer, life, links)
  if (root.isRecording()) {
    if (record?.after === 'death' && kept !== undefined) endLostLife(api, tracer, life, kept)
    return new LifeTrace(api, tracer, life, base, root)
  }
  // Without an SDK there is nothing to hand on.
  if (!api.trace.isSpanContextValid(root.spanContext())) return {}
  const within = api.trace.setSpan(base, root)
  return { within: (_, begin) => api.context.with(within, begin), entersOnce: isKept(within) }
}

/** Whether a context is kept by what is made in it, as `AsyncLocalStorage` does. */
export type IsKept = (within: Context) => boolean

/** Other managers of contexts may know nothing of that, and there may be one from some moment on only: so it is tried until it is so. */
export function keepingOf({ context }: TraceApi): IsKept {
  let isSo = false
  return (within) => {
    if (isSo) return true
    const made = context.with(within, () => new AsyncResource('docket'))
    return (isSo = made.runInAsyncScope(() => context.active()) === within)
  }
}

/** The caller, and the life before. A step of an execution calls in the context of its attempt; what its own execution was called by is no matter then. */
function linksOf(api: TraceApi, base: Context, { headers, parent }: ExecutionLife, kept: KeptLife | undefined): Link[] {
  const active = api.trace.getSpanContext(base)
  const around = active !== undefined && api.trace.isSpanContextValid(active) ? active : undefined
  const given = parseTraceParent(headerOf(headers, 'traceparent'))
  const callers = parent !== undefined && around !== undefined ? [around] : [given, around]
  const links: Link[] = []
  const link = (context: SpanContext | undefined, relation: string): void => {
    if (context === undefined || links.some((one) => one.context.spanId === context.spanId)) return
    links.push({ context, attributes: { 'docket.link': relation } })
  }
  for (const caller of callers) link(caller, 'caller')
  link(kept?.span, 'previous life')
  return links
}

function startRoot({ SpanKind }: TraceApi, tracer: Tracer, life: ExecutionLife, links: Link[]): Span {
  const { graph, record } = life
  // What its own process has begun at once was in no queue.
  const isQueued = record !== undefined && !(record.epoch === 1 && record.startedAt !== undefined)
  const kind = isQueued ? SpanKind.CONSUMER : SpanKind.INTERNAL
  return tracer.startSpan(`life of ${graph}`, { root: true, kind, links, attributes: attributesOf(life) })
}

/** Ids are fine here: spans are not kept by what they are about. */
function attributesOf({ executionId, graph, target, record }: ExecutionLife): Attributes {
  const about: Attributes = { 'docket.execution.id': executionId, 'docket.graph': graph, 'docket.target': target }
  if (record === undefined) return about
  const { queue, epoch, owner, after } = record
  const stored: Attributes = { ...about, 'docket.queue': queue, 'docket.epoch': epoch, 'service.instance.id': owner }
  return after === undefined ? stored : { ...stored, 'docket.resumed_after': after }
}

/** The process of a life that ended by its death can't have said so: what is known of it stands in its trace, beside the attempts that it has ended. */
function endLostLife(
  { ROOT_CONTEXT, trace }: TraceApi,
  tracer: Tracer,
  life: ExecutionLife,
  { span, at }: KeptLife,
): void {
  const within = trace.setSpanContext(ROOT_CONTEXT, span)
  const now = Date.now()
  const startTime = new Date(now - Math.max(0, life.at - at))
  const { executionId, graph, target } = life
  const attributes = {
    'docket.execution.id': executionId,
    'docket.graph': graph,
    'docket.target': target,
    'docket.lost': true,
  }
  const lost = tracer.startSpan(`lost life of ${graph}`, { startTime, attributes }, within)
  failSpan(lost, new Error('its process died, or lost its lease'))
  lost.end()
}

/** The spans of one life: a root of its own, attempts as its children, what is served from records as its events. */
class LifeTrace implements LifeObserver {
  readonly #api: TraceApi
  readonly #tracer: Tracer
  readonly #life: ExecutionLife
  /** The async context in which it was called. */
  readonly #base: Context
  #root: Span
  #inRoot: Context
  readonly #open = new Map<Key, Span>()
  readonly #undos = new Map<Key, Span>()
  /** The event that came last, and the span that ended by it. */
  #last: ExecutionEvent | undefined
  #endedByIt: Span | undefined

  constructor(api: TraceApi, tracer: Tracer, life: ExecutionLife, base: Context, root: Span) {
    this.#api = api
    this.#tracer = tracer
    this.#life = life
    this.#base = base
    this.#root = root
    this.#inRoot = this.#began(root)
    showSpans(life, (event) => this.#spanOf(event).spanContext())
  }

  #began(root: Span): Context {
    const { at, record } = this.#life
    record?.keep(textOfLife({ span: root.spanContext(), at }))
    return this.#api.trace.setSpan(this.#base, root)
  }

  within(attempt: LifeAttempt, begin: () => void): void {
    const span = (attempt.isUndo === true ? this.#undos : this.#open).get(keyOf(attempt))
    this.#api.context.with(span === undefined ? this.#inRoot : this.#api.trace.setSpan(this.#base, span), begin)
  }

  #spanOf(event: ExecutionEvent): Span {
    if (event === this.#last && this.#endedByIt !== undefined) return this.#endedByIt
    if (!('step' in event)) return this.#root
    const spans = event.type.startsWith('undo.') ? this.#undos : this.#open
    return spans.get(keyOf(event)) ?? this.#root
  }

  next(event: ExecutionEvent): void {
    this.#last = event
    this.#endedByIt = undefined
    switch (event.type) {
      case 'attempt.started':
        this.#open.set(keyOf(event), this.#startStep(event.step, event, { 'docket.attempt': event.attempt }))
        return
      case 'attempt.failed':
        this.#end(this.#open, keyOf(event), event.error)
        return
      case 'step.ended':
        // One that failed for good has said so as its last attempt.
        if (event.status === 'failed') this.#end(this.#open, keyOf(event), event.error)
        else if (event.status === 'completed') this.#end(this.#open, keyOf(event))
        return
      case 'step.cancelled':
        this.#open.get(keyOf(event))?.setAttribute('docket.status', event.status)
        this.#end(this.#open, keyOf(event))
        return
      case 'step.waiting':
        this.#open.get(keyOf(event))?.addEvent('docket.step.waiting', dueOf(event.dueAt))
        return
      case 'step.renewed':
        this.#renew(event)
        return
      case 'cache.hit':
        this.#root.addEvent('docket.step.cached', {
          ...placeOf(event),
          'docket.cache': event.shared ? `${event.scope}, shared` : event.scope,
        })
        return
      case 'retry.scheduled':
        this.#root.addEvent('docket.step.retrying', { ...placeOf(event), 'docket.delay_ms': event.delayMs })
        return
      case 'execution.resumed':
        this.#root.setAttribute('docket.restored', event.restored)
        return
      case 'execution.compensating':
        this.#root.addEvent('docket.compensating')
        return
      case 'undo.started':
        this.#undos.set(keyOf(event), this.#startStep(`undo ${event.step}`, event, {}))
        return
      case 'undo.attempt-failed':
        this.#undos.get(keyOf(event))?.addEvent('docket.undo.failed', { 'docket.attempt': event.attempt })
        return
      case 'undo.ended':
        this.#end(this.#undos, keyOf(event), event.status === 'failed' ? event.error : undefined)
        return
      case 'lease.lost':
        this.#root.addEvent('docket.lease.lost')
        return
      case 'execution.released':
        this.#root.setAttribute('docket.released', event.cause)
        this.#endAll()
        return
      case 'execution.ended':
        this.#ended(event)
        return
      default:
    }
  }

  #startStep(name: string, { step, item }: LifeAttempt, more: Attributes): Span {
    const attributes = { 'docket.execution.id': this.#life.executionId, ...placeOf({ step, item }), ...more }
    return this.#tracer.startSpan(name, { kind: this.#api.SpanKind.INTERNAL, attributes }, this.#inRoot)
  }

  #end(spans: Map<Key, Span>, key: Key, ...errors: readonly unknown[]): void {
    const span = spans.get(key)
    if (span === undefined) return
    spans.delete(key)
    if (errors.length > 0 && errors[0] !== undefined) failSpan(span, errors[0])
    span.end()
    this.#endedByIt = span
  }

  #endAll(): void {
    for (const spans of [this.#open, this.#undos]) for (const key of spans.keys()) this.#end(spans, key)
    this.#root.end()
    this.#endedByIt = undefined
  }

  /** A function that goes on for years begins anew from time to time: so does its trace. */
  #renew(attempt: LifeAttempt): void {
    const before = this.#root
    this.#root.addEvent('docket.step.renewed', placeOf(attempt))
    this.#endAll()
    const links = [{ context: before.spanContext(), attributes: { 'docket.link': 'previous generation' } }]
    this.#root = startRoot(this.#api, this.#tracer, this.#life, links)
    this.#inRoot = this.#root.isRecording() ? this.#began(this.#root) : this.#api.trace.setSpan(this.#base, this.#root)
    this.#open.set(keyOf(attempt), this.#startStep(attempt.step, attempt, {}))
  }

  #ended({ at, status, error }: Extract<ExecutionEvent, { type: 'execution.ended' }>): void {
    this.#root.setAttribute('docket.status', status)
    if (status === 'failed') failSpan(this.#root, error)
    const { record, graph } = this.#life
    this.#endAll()
    if (record === undefined) return
    // By this process's clock, as all spans are.
    const now = Date.now()
    const startTime = new Date(now - Math.max(0, at - record.createdAt))
    const attributes = { ...attributesOf(this.#life), 'docket.status': status, 'docket.lives': record.epoch }
    const kind = this.#api.SpanKind.INTERNAL
    const whole = this.#tracer.startSpan(`execution of ${graph}`, { startTime, kind, attributes }, this.#inRoot)
    if (status === 'failed') failSpan(whole, error)
    whole.end(new Date(now))
  }
}

function placeOf({ step, item }: LifeAttempt): Attributes {
  return item === undefined ? { 'docket.step': step } : { 'docket.step': step, 'docket.item': item }
}

function dueOf(dueAt: number | undefined): Attributes {
  return dueAt === undefined ? {} : { 'docket.due_at': new Date(dueAt).toISOString() }
}
