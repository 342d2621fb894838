import type { ComponentChildren, JSX } from 'preact'

/** A titled part of the details. */
export function Part({
  title,
  children,
}: {
  readonly title: string
  readonly children: ComponentChildren
}): JSX.Element {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  )
}

/** A name and what it stands for. */
export function Pair({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt class="quiet">{name}</dt>
      <dd>{children}</dd>
    </>
  )
}
