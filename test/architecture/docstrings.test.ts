import { expect, test } from 'vitest'
import { entryFiles, publicNamesOf, reachedNames } from './docstrings.ts'

const exported = entryFiles().flatMap(publicNamesOf)
// Of the compiler's arithmetic on lists of steps no editor ever shows a value.
const reached = reachedNames().filter(({ name }) => !/^(?:GraphTypes|AnyTypes)\./.test(name))
const names = [...exported, ...reached]

test('the public names are found, with their members', () => {
  const found = exported.map(({ name }) => name)
  expect(found).toEqual(
    expect.arrayContaining([
      'execute',
      'BatchOptions.concurrency',
      'Docket.start',
      'StepError',
      'sqliteStore',
      'stepMachine',
      'encryption',
      'storeConformance',
    ]),
  )
})

test('the types that are reached through public names alone are found, with their members', () => {
  const found = reached.map(({ name }) => name)
  expect(found).toEqual(
    expect.arrayContaining([
      'StartBatchOptions.key',
      'CloseOptions.drain',
      'PurgeFilter.olderThan',
      'ParseOptions.shared',
      'RetryScheduled.dueAt',
    ]),
  )
  // What only constructors and private members know is not public.
  expect(found.filter((name) => /^(?:DocketContext|StoreConnection)\./.test(name))).toEqual([])
})

test('the docstring of every call that returns a promise names what it rejects with', () => {
  const calls = exported.filter(({ isAsync }) => isAsync)
  expect(calls.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Docket.purge', 'Docket.fork', 'ExecutionHandle.result']),
  )
  const silent = calls.filter(({ docstring }) => !/@throws/.test(docstring ?? ''))
  expect(silent.map(({ name, file }) => `${file}: ${name}`)).toEqual([])
})

test('every public name, each of its fields and each of its methods has a docstring', () => {
  expect(names.filter(({ docstring }) => docstring === undefined).map(({ name, file }) => `${file}: ${name}`)).toEqual(
    [],
  )
})

test('the docstring of every option that may be left out says what holds then', () => {
  const isOption = /(?:Options|Policy|Defaults|Query|Filter|StartBatch)\./
  const silent = names.filter(
    ({ name, isOptional, docstring }) =>
      isOptional && isOption.test(name) && !/@default|Left out,/.test(docstring ?? ''),
  )
  expect(silent.map(({ name, file }) => `${file}: ${name}`)).toEqual([])
})
