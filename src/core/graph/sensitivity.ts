import type { AnyDataType } from '../language/data-type.ts'
import { isUpdateType } from '../language/update.ts'
import { typeOfPort } from './check-step.ts'
import type { StepSpec } from './graph-index.ts'

/** Whether values of a type are shown to nobody; those of an update too where its answer is. */
export function isSensitiveType(type: AnyDataType): boolean {
  return type.isSensitive === true || (isUpdateType(type) && type.result.isSensitive === true)
}

/** Whether a port, by its name, takes a sensitive type; false where no port of the step does. */
export function isSensitivePortOf({ step }: Pick<StepSpec, 'step'>): false | ((name: string) => boolean) {
  const ports = Object.entries(step.inputs ?? {})
  const names = ports.flatMap(([name, port]) => (isSensitiveType(typeOfPort(port)) ? [name] : []))
  return names.length > 0 && ((name) => names.includes(name))
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
