import { execFileSync } from 'node:child_process'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  AbortExecutionError,
  DocketError,
  ExecutionTimeoutError,
  InputError,
  NonRetryableError,
  RemoteError,
  RetryAfterError,
  StepError,
  StoreError,
} from '../../src/index.ts'
import { errorClassOf } from '../../src/core/docket-error.ts'
import * as errors from '../../src/core/errors.ts'
import { errorTreeOf } from '../../src/core/values/error-tree.ts'
import { valueOfTree } from '../../src/core/values/value-of-tree.ts'
import { hostile, throwing, thrownValues } from '../hostile-values.ts'

const place = { graph: 'g', executionId: 'e', step: 's', attempt: 2, path: ['A', 'B'] }

describe('instanceof', () => {
  test('is true for the class itself and those above it, and false for others', () => {
    const error = new NonRetryableError('no')
    expect(error).toBeInstanceOf(NonRetryableError)
    expect(error).toBeInstanceOf(DocketError)
    expect(error).toBeInstanceOf(Error)
    expect(error).not.toBeInstanceOf(AbortExecutionError)
  })

  test('of a class that extends one of ours is true for its own instances alone', () => {
    class Declined extends NonRetryableError {}
    expect(new Declined()).toBeInstanceOf(Declined)
    expect(new Declined()).toBeInstanceOf(NonRetryableError)
    expect(new NonRetryableError()).not.toBeInstanceOf(Declined)
    expect(new Declined().name).toBe('Declined')
  })

  test.each(thrownValues)('is false for %s', (_, make) => {
    expect(make() instanceof DocketError).toBe(false)
  })

  test('holds for every class of errors.ts: each has its name as a text', () => {
    const classes = Object.entries(errors).filter(
      ([, value]) => typeof value === 'function' && value.prototype instanceof Error,
    )
    expect(classes.length).toBeGreaterThan(10)
    for (const [name, type] of classes) expect(errorClassOf(name)).toBe(type)
  })
})

describe('a field that nothing was said of', () => {
  const bare = [
    new NonRetryableError('no'),
    new StepError('failed', {}, undefined),
    new ExecutionTimeoutError({ timeoutMs: 5 }, {}),
    new RetryAfterError(5),
    new RemoteError('REMOTE_UNREACHABLE', 'away', { operation: 'o' }),
  ]

  test.each(bare.map((error) => [error.name, error] as const))('of a %s is in it, and not printed', (_, error) => {
    for (const field of ['graph', 'executionId', 'step', 'attempt', 'item'] as const) {
      expect(field in error).toBe(true)
      expect(error[field]).toBeUndefined()
    }
    expect(error.path).toEqual([])
    expect(inspect({ ...error })).not.toMatch(/undefined|path/)
    const logged = Object.keys(error)
    for (const field in error) expect(logged).toContain(field)
  })

  test('is undefined too where an error was read from a store', () => {
    const read = valueOfTree(errorTreeOf(new StepError('failed', { step: 's' }, undefined))) as StepError
    expect(inspect({ ...read })).not.toMatch(/undefined|path/)
    expect([read.step, read.graph, read.path, read.policyError]).toEqual(['s', undefined, [], undefined])
  })
})

test.each([
  ['of the language', 'Object, Function, Array, Error, TypeError, Promise, Map, Date'],
  ['of the package’s classes', '...Object.values(docket).filter((value) => value.prototype !== undefined)'],
])('errors are made in a program that has frozen the prototypes %s', (_, classes) => {
  const program = `
    import * as docket from 'docket'
    const { dataType, execute, graph, step, type } = docket
    for (const { prototype } of [${classes}]) Object.freeze(prototype)
    const A = dataType('A', type())
    const failing = graph({ name: 'g', steps: [step({ name: 's', output: A, run: () => { throw new TypeError('no') } })] })
    console.log(await execute(failing, A, {}).catch(({ name, step, cause }) => [name, step, cause.name].join()))`
  const args = ['--conditions=docket-source', '--input-type=module', '--eval', program]
  expect(execFileSync(process.execPath, args, { encoding: 'utf8', cwd: import.meta.dirname })).toBe(
    'StepError,s,TypeError\n',
  )
})

describe('toJSON', () => {
  test('gives name, code, message, the ids and the chain of causes', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', socket: { secret: 1 } })
    const error = new StepError('step "s" failed', place, new StoreError('sqlite', 'away', true, { cause: refused }))
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: 'StepError',
      code: 'STEP_FAILED',
      message: 'step "s" failed',
      ...place,
      cause: {
        name: 'StoreError',
        code: 'STORE_FAILED',
        message: 'sqlite store: away',
        store: 'sqlite',
        isTransient: true,
        isLocked: false,
        cause: { name: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' },
      },
    })
  })

  test('gives the issues of an InputError and the members of an AggregateError', () => {
    const issues = [{ message: 'expected number', path: ['A', 0] }]
    expect(JSON.parse(JSON.stringify(new InputError('INPUT_INVALID', 'wrong', issues)))).toMatchObject({ issues })
    const many = new StepError('failed', place, new AggregateError([new TypeError('one'), 'two'], 'many'))
    expect(many.toJSON()).toMatchObject({
      cause: { name: 'AggregateError', errors: [{ name: 'TypeError', message: 'one' }, 'two'] },
    })
  })

  test('gives what a class of the user’s adds', () => {
    class Declined extends NonRetryableError {
      readonly amount = 12n
      readonly at = new Date(0)
    }
    expect(new Declined('no').toJSON()).toMatchObject({
      name: 'Declined',
      code: 'NON_RETRYABLE',
      amount: '12',
      at: '1970-01-01T00:00:00.000Z',
    })
  })

  test('has no stack', () => {
    const error = new StepError('failed', place, new Error('cause'))
    expect(JSON.stringify(error)).not.toMatch(/stack|errors\.test/)
  })

  test.each(thrownValues)('can be read where the cause is %s', (_, make) => {
    const error = new StepError('failed', place, make(), make())
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'STEP_FAILED', message: 'failed' })
  })

  test('cuts a chain of causes that has no end', () => {
    const endless = Object.defineProperty(new Error('again'), 'cause', { get: () => endlessCopy() })
    const endlessCopy = (): Error => Object.defineProperty(new Error('again'), 'cause', { get: () => endlessCopy() })
    expect(JSON.stringify(new StepError('failed', place, endless)).length).toBeLessThan(10_000)
  })

  test('can be called where a field of a class of the user’s can’t be read', () => {
    class Odd extends AbortExecutionError {
      readonly odd = hostile()
      readonly other = throwing('message')
    }
    expect(JSON.parse(JSON.stringify(new Odd()))).toMatchObject({ name: 'Odd', code: 'EXECUTION_ABORTED' })
  })
})
