import { didYouMean } from '../../src/core/closest-name.ts'
import { OptionError } from '../../src/core/errors.ts'
import { isRecord } from '../../src/core/is-record.ts'

/** What an option must be: a word for it, and how to tell. */
export type OptionRule = readonly [what: string, isRight: (value: unknown) => boolean]

export const aText: OptionRule = ['a text that is not empty', (value) => typeof value === 'string' && value !== '']
export const aBoolean: OptionRule = ['true or false', (value) => typeof value === 'boolean']
export const aFunction: OptionRule = ['a function', (value) => typeof value === 'function']
export const texts: OptionRule = [
  'an array of texts',
  (value) => Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== ''),
]

/** One of some words. */
export function oneOf(...words: readonly string[]): OptionRule {
  return [words.map((word) => `'${word}'`).join(' or '), (value) => words.includes(value as string)]
}

/**
 * Checks options against the rules of all that are known; undefined is always right.
 * @throws OptionError
 */
export function checkOptions(caller: string, options: unknown, rules: Readonly<Record<string, OptionRule>>): void {
  if (!isRecord(options)) throw new OptionError(`${caller}: options must be a record, or a text alone`)
  const known = Object.keys(rules)
  for (const [name, value] of Object.entries(options)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
    if (rule === undefined)
      throw new OptionError(
        `${caller}: unknown option "${name}"${didYouMean(name, known)}; known are ${known.join(', ')}`,
      )
    if (value !== undefined && !rule[1](value)) throw new OptionError(`${caller}: ${name} must be ${rule[0]}`)
  }
}
