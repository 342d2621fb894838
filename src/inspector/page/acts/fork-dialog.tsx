import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { StepView, ValueRef } from '../../protocol.ts'
import type { ValueAddress } from '../connection/api.ts'
import type { ExecutionModel } from '../connection/execution-model.ts'
import { usePage } from '../connection/page-context.ts'
import { Name } from '../text/name.tsx'
import { messageOf } from '../widgets/notice.tsx'
import { ActDialog } from './act-dialog.tsx'
import { JsonField, jsonOf } from './json-field.tsx'

interface Editable {
  readonly value: ValueRef
  readonly address: ValueAddress
  readonly from: string
}

/** A new execution that goes on from a step: what completed before it is taken over; what it gets may be edited. History is never rewritten. */
export function ForkDialog({
  model,
  step,
  onClose,
}: {
  readonly model: ExecutionModel
  readonly step: StepView
  readonly onClose: () => void
}): JSX.Element {
  const { api } = usePage()
  const id = model.view!.id
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({})
  const [note, setNote] = useState<string>()
  const editables = editablesOf(model, step)

  const toggle = async ({ value: { type, isSensitive }, address }: Editable): Promise<void> => {
    setNote(undefined)
    if (Object.hasOwn(texts, type)) {
      const { [type]: _, ...rest } = texts
      setTexts(rest)
      return
    }
    let text = ''
    if (isSensitive) setNote(`The value of ${type} is never shown: write a new one.`)
    else
      try {
        const value = await api.value(id, address, 'typed')
        if (value.text !== undefined && !value.isCut) text = value.text
        else setNote(`The value of ${type} can’t be edited (${value.problem ?? 'it is too large'}): write a new one.`)
      } catch (error) {
        setNote(`The value of ${type} can’t be read (${messageOf(error)}): write a new one.`)
      }
    setTexts((before) => ({ ...before, [type]: text }))
  }

  return (
    <ActDialog
      title={`Fork from ${step.step.slice(0, 80)}`}
      verb="Start the fork"
      actOf={() => {
        const overrides: Record<string, unknown> = {}
        for (const [type, text] of Object.entries(texts)) {
          const result = jsonOf(text)
          if ('problem' in result) return `${type}: ${result.problem}`
          overrides[type] = result.value
        }
        return { act: 'fork', id, from: step.step, ...(Object.keys(overrides).length > 0 ? { overrides } : {}) }
      }}
      onDone={() => model.reload()}
      onClose={onClose}
    >
      <p class="quiet">
        A new execution begins at this step. What completed before it is taken over, and this execution stays as it is.
      </p>
      {editables.length > 0 && <span class="label">Edit what goes into it</span>}
      {editables.map((editable) => {
        const { type, isSensitive } = editable.value
        return (
          <div key={type} class="fork-value">
            <label class="inline">
              <input type="checkbox" checked={Object.hasOwn(texts, type)} onChange={() => void toggle(editable)} />
              <Name text={type} class="code" />
              <span class="quiet">
                {isSensitive ? 'sensitive: never shown' : editable.from === '' ? 'input' : 'of '}
                {!isSensitive && editable.from !== '' && <Name text={editable.from} />}
              </span>
            </label>
            {Object.hasOwn(texts, type) && (
              <JsonField
                label={<span class="hidden">Value of {type}</span>}
                text={texts[type]!}
                onText={(text) => setTexts((before) => ({ ...before, [type]: text }))}
                rows={7}
              />
            )}
          </div>
        )
      })}
      {Object.keys(texts).length > 0 && (
        <p class="quiet">
          What JSON has no form for stands there with a tag, as in{' '}
          <code>{'{ "$date": "2026-01-31T12:00:00.000Z" }'}</code> or <code>{'{ "$bigint": "12" }'}</code>.
        </p>
      )}
      {note !== undefined && (
        <p class="is-warning" role="status">
          {note}
        </p>
      )}
    </ActDialog>
  )
}

/** What can be edited: what the steps before it made, and the inputs. */
function editablesOf(model: ExecutionModel, { dependsOn, item }: StepView): readonly Editable[] {
  const made = dependsOn.flatMap((name): readonly Editable[] => {
    const before = model.stepOf(name, item) ?? model.stepOf(name)
    if (before?.output === undefined) return []
    return [{ value: before.output, address: { of: 'step', step: before.step, item: before.item }, from: before.step }]
  })
  const given = model.view!.inputs.map((value): Editable => ({
    value,
    address: { of: 'input', type: value.type },
    from: '',
  }))
  return [...made, ...given]
}
