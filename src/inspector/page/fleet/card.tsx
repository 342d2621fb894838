import type { ComponentChildren, JSX } from 'preact'
import type { Act } from '../../protocol.ts'
import { countText } from '../text/visible-text.ts'

/** An act that somebody is about to do, in words. */
export interface PlannedAct {
  readonly title: string
  readonly verb: string
  readonly text: string
  readonly act: Act
}

/** One part of the fleet. */
export function Card({
  title,
  count,
  children,
}: {
  readonly title: string
  readonly count?: number
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <section class="card" aria-label={title}>
      <h2>
        {title} {count !== undefined && <span class="quiet">{countText(count)}</span>}
      </h2>
      {children}
    </section>
  )
}
