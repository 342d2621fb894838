import type { StoreHint } from './store.ts'

type Answered = Extract<StoreHint, { readonly type: 'answered' }>

/** The hint that an update is answered, as one text. */
export function textOfAnswered({ execution, name }: Omit<Answered, 'type'>): string {
  return `${execution.length}:${execution}${name}`
}

/** The hint of such a text; undefined for any other. */
export function answeredBy(text: string): Answered | undefined {
  const start = text.indexOf(':') + 1
  const end = start + Number.parseInt(text, 10)
  return end <= text.length ? { type: 'answered', execution: text.slice(start, end), name: text.slice(end) } : undefined
}
