import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ValueRef } from '../../protocol.ts'
import type { ValueAddress } from '../connection/api.ts'
import { usePage } from '../connection/page-context.ts'
import { useLoad } from '../connection/use-load.ts'
import { Name } from '../text/name.tsx'
import { sizeText, visibleText } from '../text/visible-text.ts'
import { messageOf } from '../widgets/notice.tsx'

/** One value, loaded only when somebody opens it. */
export function ValueText({
  id,
  value: { type, isSensitive },
  address,
  title,
  /** Changes when there may be another value. */
  version,
}: {
  readonly id: string
  readonly value: ValueRef
  readonly address: ValueAddress
  readonly title?: string
  readonly version?: string
}): JSX.Element {
  const { api } = usePage()
  const [isOpen, setOpen] = useState(false)
  const key = isOpen && !isSensitive ? JSON.stringify([id, address, version]) : undefined
  const { value, error, isLoading } = useLoad(key, () => api.value(id, address))
  return (
    <div class="value">
      <button
        type="button"
        class="value-head"
        aria-expanded={isOpen}
        disabled={isSensitive}
        onClick={() => setOpen(!isOpen)}
      >
        <span class="caret" aria-hidden="true">
          {isSensitive ? '•' : isOpen ? '▾' : '▸'}
        </span>
        {title !== undefined && <span class="quiet">{title}</span>}
        <Name text={type} class="code" />
        {isSensitive && <span class="badge">sensitive: never shown</span>}
        {value !== undefined && <span class="quiet">{sizeText(value.bytes)}</span>}
      </button>
      {isOpen && !isSensitive && (
        <div class="value-body">
          {isLoading && (
            <p class="quiet" role="status">
              Loading…
            </p>
          )}
          {error !== undefined && (
            <p class="is-bad" role="alert">
              {messageOf(error)}
            </p>
          )}
          {value?.isSensitive === true && <p class="quiet">Its type is sensitive: it is never shown.</p>}
          {value?.problem !== undefined && <p class="quiet">{visibleText(value.problem)}</p>}
          {value?.text !== undefined && (
            <pre tabIndex={0} aria-label={`Value of ${type}`}>
              <bdi>{visibleText(value.text)}</bdi>
            </pre>
          )}
          {value?.isCut === true && <p class="quiet">Cut: the whole value has {sizeText(value.bytes)}.</p>}
        </div>
      )}
    </div>
  )
}
