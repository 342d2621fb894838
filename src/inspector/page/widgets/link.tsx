import type { ComponentChildren, JSX } from 'preact'
import { addressOf, navigate } from '../route.ts'
import type { Route } from '../route.ts'

/** A link within the page: a real one, so that it opens in new tabs too. */
export function Link({
  to,
  class: more,
  children,
  isCurrent,
  label,
}: {
  readonly to: Route
  readonly class?: string
  readonly children: ComponentChildren
  readonly isCurrent?: boolean
  readonly label?: string
}): JSX.Element {
  return (
    <a
      href={addressOf(to)}
      class={more}
      aria-current={isCurrent === true ? 'page' : undefined}
      aria-label={label}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
        event.preventDefault()
        navigate(to)
      }}
    >
      {children}
    </a>
  )
}
