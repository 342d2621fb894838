import type { StepInfo } from './step-info.ts'

/** The steps, with those marked whose values no tool shows. `typeOf`: the name of the type that a step makes, where that is known. */
export function withSensitivity(
  infos: readonly StepInfo[],
  sensitive: readonly string[],
  typeOf: (step: string) => string | undefined,
): readonly StepInfo[] {
  if (sensitive.length === 0) return infos
  const names = new Set(sensitive)
  return infos.map((info) => (names.has(typeOf(info.step) ?? '') ? { ...info, isSensitive: true } : info))
}
