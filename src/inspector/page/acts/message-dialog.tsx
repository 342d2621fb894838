import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ExecutionModel } from '../connection/execution-model.ts'
import { shortText } from '../text/visible-text.ts'
import { ActDialog } from './act-dialog.tsx'
import { JsonField, jsonOf } from './json-field.tsx'

const explained = {
  signal: {
    title: 'Send a signal',
    text: 'The value is checked by the schema of its type, and kept until the execution takes it.',
  },
  update: {
    title: 'Send an update',
    text: 'The value is checked by the schema of its type; the execution accepts or rejects it.',
  },
} as const

/** A signal or an update for an execution: the type that is waited for stands there already, where one is. */
export function MessageDialog({
  model,
  act,
  type: given,
  onClose,
}: {
  readonly model: ExecutionModel
  readonly act: 'signal' | 'update'
  readonly type?: string | undefined
  readonly onClose: () => void
}): JSX.Element {
  const awaited = model.steps
    .filter(({ kind, status, output }) => kind === 'signal' && status === 'waiting' && output !== undefined)
    .map(({ output }) => output!.type)
  const [type, setType] = useState(given ?? (act === 'signal' ? awaited[0] : undefined) ?? '')
  const [text, setText] = useState('')
  const { title, text: explanation } = explained[act]
  return (
    <ActDialog
      title={title}
      verb="Send"
      actOf={() => {
        if (type.trim() === '') return 'Name the type of what you send.'
        const result = jsonOf(text)
        if ('problem' in result) return result.problem
        return { act, id: model.view!.id, type: type.trim(), value: result.value }
      }}
      onDone={() => model.reload()}
      onClose={onClose}
    >
      <p class="quiet">{explanation}</p>
      <label>
        <span class="label">Type</span>
        <input
          list="awaited-types"
          spellcheck={false}
          value={type}
          onInput={(event) => setType(event.currentTarget.value)}
        />
      </label>
      <datalist id="awaited-types">
        {awaited.map((each) => (
          <option key={each} value={each}>
            {shortText(each, 80)}
          </option>
        ))}
      </datalist>
      <JsonField label="Value" text={text} onText={setText} />
    </ActDialog>
  )
}
