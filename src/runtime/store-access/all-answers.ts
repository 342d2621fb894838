import type { Store } from '../../core/contracts/store.ts'
import { StoreError } from '../../core/errors.ts'

/**
 * What a store answered to each of several: of a list that is too short nobody knows which answers are missing, and an answer that is not there
 * would pass for one (`create` says with `undefined` that it has created).
 * @throws StoreError
 */
export function allAnswers<Answer>(
  { name }: Pick<Store, 'name'>,
  call: string,
  given: readonly unknown[],
  answers: readonly Answer[],
): readonly Answer[] {
  if (answers.length === given.length) return answers
  const message = `${call} gave ${answers.length} answers to ${given.length}; a store answers each, in their order`
  throw new StoreError(name, message, false)
}
