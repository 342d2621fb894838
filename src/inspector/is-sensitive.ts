import type { AnyDataType } from '../core/language/data-type.ts'

/** Whether values of a type are shown to nobody. */
export function isSensitive(type: AnyDataType): boolean {
  return (type as { readonly isSensitive?: boolean }).isSensitive === true
}
