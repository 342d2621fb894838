import { describe, expect, onTestFinished, test } from 'vitest'
import { LeaseLostError, StoreError } from '../../src/index.ts'
import { sqliteStore } from '../../stores/sqlite/index.ts'
import { World } from './durable-time.ts'
import { door, line, Third } from './line.ts'
import { refusal, WatchedStore } from './watched-store.ts'

const inputs = { Seed: 1 }

/** The warnings of the process from now on. */
function warningsOfNow(): Error[] {
  const warnings: Error[] = []
  const listener = (warning: Error): void => void warnings.push(warning)
  process.on('warning', listener)
  onTestFinished(() => void process.off('warning', listener))
  return warnings
}

/** A process whose store fails in one method, with an execution that runs. */
async function failing(method: string, fail: () => Error, isNow = (): boolean => true) {
  const world = new World()
  const watched = new WatchedStore(world.store)
  const gate = door()
  let reason: unknown
  const { line: graph } = line({
    second: {
      run: (_, { signal }) => {
        signal.addEventListener('abort', () => (reason = signal.reason))
        return gate.promise
      },
    },
  })
  const docket = world.process({ graphs: [graph], store: watched.store, lease: '5s' })
  await world.clock.settle(docket.start(graph, Third, inputs, { id: 'a' }))
  await world.clock.advance(10)
  watched.before = ({ name }) => {
    if (name === method && isNow()) throw fail()
  }
  return { world, watched, docket, gate, reasonOf: () => reason }
}

const bug = (): Error => new TypeError('undefined is not a function')

const denied = () => new StoreError('test', 'permission denied for table docket_owners', true)

describe('what fails in the background of a docket, and is no outage,', () => {
  test.each(['readMail', 'acquire', 'purgeResults', 'renewOwner'])(
    'is reported once, where a mistake in the code of %s throws, with its stack',
    async (method) => {
      const warnings = warningsOfNow()
      const { world } = await failing(method, bug)
      await world.clock.advance(method === 'purgeResults' ? 130_000 : 4_000)
      await new Promise(setImmediate)
      expect(warnings.filter(({ name }) => name === 'DocketBugWarning')).toMatchObject([
        {
          message: expect.stringMatching(/ failed in the background: undefined is not a function$/),
          detail: expect.stringContaining('unheard-failures.test.ts'),
        },
      ])
    },
  )

  test('is reported as a warning of the store where that refuses it', async () => {
    const warnings = warningsOfNow()
    const { world } = await failing('readMail', refusal)
    await world.clock.advance(4_000)
    await new Promise(setImmediate)
    expect(warnings.map(String)).toEqual([
      'DocketStoreWarning: reading messages failed in the background: test store: the value was refused',
    ])
  })
})

describe('a lease that is lost because renewals are refused', () => {
  test('says why: to the steps that it stops, and in one warning', async () => {
    const warnings = warningsOfNow()
    const { world, reasonOf } = await failing('renewOwner', denied)
    await world.clock.advance(60_000)
    await new Promise(setImmediate)
    const reason = reasonOf()
    expect(reason).toBeInstanceOf(LeaseLostError)
    expect((reason as Error).cause).toMatchObject({ message: expect.stringContaining('permission denied') })
    expect(warnings.map(String)).toEqual([
      'DocketStoreWarning: the lease was lost, since it could not be renewed: test store: permission denied for table docket_owners',
    ])
  })

  test('has no cause where the process was away: no renewal has failed', async () => {
    const { world, watched, reasonOf } = await failing('nothing', bug)
    watched.before = ({ name }) => (name === 'renewOwner' ? new Promise(() => {}) : undefined)
    await world.clock.advance(10_000)
    expect(reasonOf()).toBeInstanceOf(LeaseLostError)
    expect((reasonOf() as Error).cause).toBeUndefined()
  })
})

test('a store that can not be opened is reported once, whoever wanted it, and to the caller', async () => {
  const warnings = warningsOfNow()
  const { line: graph } = line()
  const world = new World()
  const { clock } = world
  const docket = world.process({ graphs: [graph], store: sqliteStore('/proc/nowhere/docket.db') })
  await expect(clock.settle(docket.execute(graph, Third, inputs))).rejects.toThrow('nowhere')
  await clock.advance(5_000)
  await new Promise(setImmediate)
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/^opening the store failed in the background: .*nowhere/),
  ])
  await clock.settle(docket.close())
})
