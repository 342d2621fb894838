import type { AnyDataType } from '../language/data-type.ts'
import { isUpdateType } from '../language/update.ts'
import { typeOfPort } from './check-step.ts'
import type { StepSpec } from './graph-index.ts'

/** Whether values of a type are shown to nobody; those of an update too where its answer is. */
export function isSensitiveType(type: AnyDataType): boolean {
  return type.isSensitive === true || (isUpdateType(type) && type.result.isSensitive === true)
}

/** Whether a step has a port of this name that takes a sensitive type. */
export function isSensitivePort({ step }: Pick<StepSpec, 'step'>, name: string): boolean {
  const ports = step.inputs ?? {}
  return Object.hasOwn(ports, name) && isSensitiveType(typeOfPort(ports[name]!))
}

/** Whether a step takes, makes, receives or publishes anything sensitive: what it keeps while it runs may be made of that. */
export function touchesSensitiveTypes({
  step,
  output,
  receives,
  publishes,
}: Pick<StepSpec, 'step' | 'output' | 'receives' | 'publishes'>): boolean {
  const ports = Object.values(step.inputs ?? {}).map(typeOfPort)
  return [output, ...receives, ...publishes, ...ports].some(isSensitiveType)
}
