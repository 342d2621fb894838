import type { ComponentChildren, JSX } from 'preact'
import { RequestError } from '../connection/api.ts'
import { visibleText } from '../text/visible-text.ts'

/** Nothing is there, with what to do about it. */
export function Empty({
  title,
  children,
}: {
  readonly title: string
  readonly children?: ComponentChildren
}): JSX.Element {
  return (
    <div class="empty">
      <svg viewBox="0 0 48 32" aria-hidden="true">
        <path d="M4 10h12M4 22h12M16 10l8 6-8 6M24 16h8" />
        <circle cx="38" cy="16" r="5" />
      </svg>
      <p class="empty-title">{title}</p>
      {children !== undefined && <div class="quiet">{children}</div>}
    </div>
  )
}

/** Something is under way: shown after a moment only, so that quick answers don't flicker. */
export function Loading({ what }: { readonly what: string }): JSX.Element {
  return (
    <div class="loading" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what}…
    </div>
  )
}

/** What went wrong, and what can be done. */
export function Problem({
  error,
  what,
  onRetry,
}: {
  readonly error: unknown
  readonly what: string
  readonly onRetry?: () => void
}): JSX.Element {
  const isPassing = error instanceof RequestError && error.isPassing
  return (
    <div class="problem" role="alert">
      <div>
        <b>{what}</b> <span>{messageOf(error)}</span>
        {isPassing && <span class="quiet"> It is tried again by itself.</span>}
      </div>
      {onRetry !== undefined && (
        <button type="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  )
}

/** The message of anything that was thrown, as text. */
export function messageOf(error: unknown): string {
  return visibleText(error instanceof Error ? error.message : String(error))
}
