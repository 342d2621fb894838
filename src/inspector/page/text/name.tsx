import type { JSX } from 'preact'
import { useEffect, useReducer } from 'preact/hooks'
import type { ErrorView } from '../../protocol.ts'
import { lookOf } from './statuses.ts'
import { agoText, clockText, durationText } from './time-text.ts'
import { shortText, visibleText } from './visible-text.ts'

/** A name that somebody gave: text and nothing else, apart from what stands around it, cut where there is no room. */
export function Name({ text, class: more = '' }: { readonly text: string; readonly class?: string }): JSX.Element {
  const full = shortText(text, 1_000)
  return (
    <bdi class={`name ${more}`} title={full}>
      {shortText(text)}
    </bdi>
  )
}

/** The shape of a status, beside its word. */
export function StatusShape({ status }: { readonly status: string }): JSX.Element {
  const { shape, colour, isFilled } = lookOf(status)
  return (
    <svg class={`shape ${isFilled ? 'filled' : ''}`} viewBox="0 0 16 16" aria-hidden="true" style={colourStyle(colour)}>
      <path d={shape} />
    </svg>
  )
}

/** A status: shape, colour and word. */
export function Status({ status }: { readonly status: string }): JSX.Element {
  const { word, colour } = lookOf(status)
  return (
    <span class={`status is-${/^[a-z]+$/.test(status) ? status : 'unknown'}`} style={colourStyle(colour)}>
      <StatusShape status={status} />
      <span>{visibleText(word)}</span>
    </span>
  )
}

function colourStyle(property: string): { readonly color: string } {
  return { color: `var(${property})` }
}

/** A moment: how long ago, and exactly on hover. */
export function Ago({ at }: { readonly at: string | undefined }): JSX.Element {
  useClock(at !== undefined)
  if (at === undefined || Number.isNaN(Date.parse(at))) return <span class="quiet">–</span>
  return (
    <time dateTime={at} title={`${clockText(Date.parse(at))} here, ${at}`}>
      {agoText(Date.parse(at))}
    </time>
  )
}

/** A moment by the clock of this place. */
export function Clock({ at }: { readonly at: string | undefined }): JSX.Element {
  if (at === undefined || Number.isNaN(Date.parse(at))) return <span class="quiet">–</span>
  return (
    <time dateTime={at} title={at}>
      {clockText(Date.parse(at))}
    </time>
  )
}

/** How long something took, or has taken so far. */
export function Took({
  from,
  to,
  isOpen = false,
}: {
  readonly from: string | undefined
  readonly to: string | undefined
  readonly isOpen?: boolean
}): JSX.Element {
  useClock(isOpen && to === undefined)
  if (from === undefined || (to === undefined && !isOpen)) return <span class="quiet">–</span>
  return <span>{durationText((to === undefined ? Date.now() : Date.parse(to)) - Date.parse(from))}</span>
}

let ticking: ReturnType<typeof setInterval> | undefined
const clocks = new Set<() => void>()

/** Draws again once a second, all at the same moment. */
export function useClock(isOn: boolean): void {
  const [, draw] = useReducer<number, void>((count) => count + 1, 0)
  useEffect(() => {
    if (!isOn) return
    const tick = (): void => draw()
    clocks.add(tick)
    ticking ??= setInterval(() => {
      if (document.visibilityState === 'visible') for (const each of clocks) each()
    }, 1_000)
    return () => {
      clocks.delete(tick)
      if (clocks.size > 0) return
      clearInterval(ticking)
      ticking = undefined
    }
  }, [isOn])
}

/** An error with what it comes from. */
export function ErrorText({ error }: { readonly error: ErrorView }): JSX.Element {
  return (
    <div class="error-text">
      <div>
        <ErrorHead error={error} />
      </div>
      {error.causes?.map((cause, index) => (
        <div key={index} class="cause">
          <span class="quiet">caused by </span>
          <ErrorHead error={cause} />
        </div>
      ))}
    </div>
  )
}

function ErrorHead({ error }: { readonly error: Omit<ErrorView, 'causes'> }): JSX.Element {
  return (
    <>
      {/* The reason for which somebody cancelled is a mere text. */}
      {error.name !== 'string' && (
        <b>
          <Name text={error.name} />
        </b>
      )}
      {error.code !== undefined && (
        <code class="code">
          <Name text={error.code} />
        </code>
      )}{' '}
      <bdi class="message">{visibleText(error.message.slice(0, 4_000))}</bdi>
    </>
  )
}
