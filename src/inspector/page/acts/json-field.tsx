import type { JSX } from 'preact'

/** What a field with JSON in it came to. */
export type JsonResult = { readonly value: unknown } | { readonly problem: string }

/** The value of a text of JSON; or what is wrong with it. */
export function jsonOf(text: string): JsonResult {
  if (text.trim() === '') return { problem: 'Write a value as JSON: "text", 12, true, null, [ ] or { }.' }
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { problem: `This is no JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** A value to edit, as JSON; what is wrong with it is said below it while it is written. */
export function JsonField({
  label,
  text,
  onText,
  rows = 5,
}: {
  readonly label: JSX.Element | string
  readonly text: string
  readonly onText: (text: string) => void
  readonly rows?: number
}): JSX.Element {
  const result = jsonOf(text)
  const problem = text.trim() === '' || 'value' in result ? undefined : result.problem
  return (
    <label>
      <span class="label">{label}</span>
      <textarea
        rows={rows}
        spellcheck={false}
        value={text}
        aria-invalid={problem !== undefined}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      {problem !== undefined && <span class="field-problem">{problem}</span>}
    </label>
  )
}
