import type { InterceptorChain, StepIntercepted } from '../../core/contracts/interceptor.ts'
import { InputError, OptionError } from '../../core/errors.ts'
import type { InputIssue } from '../../core/errors.ts'
import { typeOfPort } from '../../core/graph/check-step.ts'
import type { AnyDataType, AnyPort } from '../../core/language/data-type.ts'
import type { StepContext } from '../../core/language/step.ts'
import { checkValue, issuesText } from '../inputs/check-value.ts'
import type { CheckedValue } from '../inputs/check-value.ts'
import type { WorkingStep } from './step-work.ts'
import { isPromise } from '../../core/own-promise.ts'

type Inputs = Readonly<Record<string, unknown>>

/**
 * Calls a step's function by way of the interceptors. Inputs that one of them has changed are checked first; headers are handed over. `requireOpen` throws once the attempt is over: an
 * interceptor that has taken its time begins nothing any more.
 * @throws what an interceptor or the function throws, InputError
 */
export function callIntercepted(
  chain: InterceptorChain<'step'>,
  step: WorkingStep,
  inputs: Record<string, unknown>,
  context: StepContext,
  takeHeaders: (headers: Readonly<Record<string, string>>) => void,
  requireOpen: () => void,
): unknown {
  const { spec } = step.planStep
  const { id, item, place, options } = step.execution
  const call: StepIntercepted = {
    executionId: id,
    graph: place.graph!,
    step: spec.name,
    item,
    attempt: step.attempt,
    // What the function gets is its own to change.
    inputs: Object.freeze({ ...inputs }),
    headers: options.headers,
    get signal() {
      return context.signal
    },
    app: options.app,
  }
  const begin = (given: Inputs): unknown => {
    requireOpen()
    return spec.run(given, context)
  }
  return chain(call, (passed) => {
    if (passed.headers !== call.headers) takeHeaders(passed.headers)
    if (passed.inputs === call.inputs) return begin(inputs)
    const checked = checkedInputs(step, call.inputs, passed.inputs)
    return isPromise(checked) ? checked.then(begin) : begin(checked)
  })
}

/** What `next` throws once an attempt has ended of itself: nothing was aborted, so that there is no reason. */
export function lateNext(
  hook: 'step' | 'compensate',
  { attempt, stepName }: Pick<StepContext, 'attempt' | 'stepName'>,
): OptionError {
  return new OptionError(`interceptor ${hook}: next was called when attempt ${attempt} of "${stepName}" was over`)
}

/** What differs is checked as if somebody had given it; what does not was. */
function checkedInputs(step: WorkingStep, given: Inputs, changed: Inputs): Inputs | Promise<Inputs> {
  const { spec } = step.planStep
  const ports = spec.step.inputs
  const issues: InputIssue[] = []
  const values: Record<string, unknown> = {}
  const late: Promise<void>[] = []
  const take = (
    key: string,
    path: readonly (string | number)[],
    checked: CheckedValue,
    use: (value: unknown) => void,
  ) => {
    if (checked.issues === undefined) use(checked.value)
    else
      for (const { message, path: within } of checked.issues) issues.push({ message, path: [key, ...path, ...within] })
  }
  const check = (
    key: string,
    path: readonly number[],
    type: AnyDataType,
    value: unknown,
    use: (value: unknown) => void,
  ) => {
    const checked = checkValue(type, value)
    if (isPromise(checked)) late.push(checked.then((known) => take(key, path, known, use)))
    else take(key, path, checked, use)
  }
  if (spec.kind === 'race') checkFirst(ports, given, changed, values, issues, check)
  else
    for (const [name, port] of Object.entries(ports)) {
      const value = changed[name]
      values[name] = value
      if (value === given[name] || (value === undefined && port.kind === 'optional')) continue
      if (port.kind !== 'all') check(name, [], typeOfPort(port), value, (made) => (values[name] = made))
      else if (!Array.isArray(value)) issues.push({ message: 'must be an array, as of a port all(T)', path: [name] })
      else {
        const list: unknown[] = (values[name] = [...(value as readonly unknown[])])
        for (const [index, one] of list.entries()) check(name, [index], port.type, one, (made) => (list[index] = made))
      }
    }
  for (const key of Object.keys(changed))
    if (!Object.hasOwn(given, key)) issues.push({ message: `step "${spec.name}" has no such input`, path: [key] })
  const end = (): Inputs => {
    if (issues.length === 0) return values
    const message = `an interceptor changed inputs of step "${spec.name}", which don't fit: ${issuesText(issues)}`
    throw new InputError('INPUT_INVALID', message, issues, { ...step.execution.place, step: spec.name })
  }
  return late.length === 0 ? end() : Promise.all(late).then(end)
}

/** Of a race the value may be changed, not what came first. */
function checkFirst(
  ports: Readonly<Record<string, AnyPort>>,
  given: Inputs,
  changed: Inputs,
  values: Record<string, unknown>,
  issues: InputIssue[],
  check: (
    key: string,
    path: readonly number[],
    type: AnyDataType,
    value: unknown,
    use: (made: unknown) => void,
  ) => void,
): void {
  const port = given['port'] as string
  Object.assign(values, changed)
  if (changed['port'] !== port)
    issues.push({ message: `is what came first, "${port}", and can't be changed`, path: ['port'] })
  if (changed['value'] !== given['value'])
    check('value', [], typeOfPort(ports[port]!), changed['value'], (made) => (values['value'] = made))
}
