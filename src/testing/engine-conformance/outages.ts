import assert from 'node:assert/strict'
import type { TestFramework } from '../conformance/index.ts'
import { eventually, heldPermits, onEngineBench, wakeOf } from './engine-bench.ts'
import type { EngineBench, EngineGroup } from './engine-bench.ts'
import type { EngineConformanceOptions, EngineSpace, InterruptibleEngineSpace } from './engine-conformance-options.ts'

/** Processes that die, and a server that goes away. */
export function outagesConformance({ test }: TestFramework, { options }: EngineGroup): void {
  const { comesBackWithinMs, createInterruptibleSpace } = options
  declare(
    test,
    options,
    comesBackWithinMs === undefined ? undefined : async () => options.createSpace(),
    'no time is given',
    'a wake comes back from a process that died',
    async ({ engine, rival, consume }, space) => {
      const victim = await rival()
      const held = heldPermits()
      const lost = await consume(victim, { use: held.use })
      await engine.wake([wakeOf('one')])
      await eventually('the wake comes', () => lost.inUse > 0)
      await space.kill!(victim)
      const taken = await consume(engine)
      await eventually('it comes back', () => taken.ids.includes('one'), comesBackWithinMs)
    },
  )
  declare(
    test,
    options,
    createInterruptibleSpace,
    'its server can’t be sent away',
    'while the server is away a wake takes seconds at most and fails for nobody; once it is there again wakes come',
    async ({ engine, consume }, space) => {
      const taken = await consume(engine)
      await engine.wake([wakeOf('before')])
      await eventually('the wake comes', () => taken.ids.includes('before'))
      const away = space as InterruptibleEngineSpace
      await away.goAway()
      const since = performance.now()
      for (let count = 0; count < 20; count++) await engine.wake([wakeOf(`while ${count}`)])
      assert.ok(performance.now() - since < 15_000, `it took ${Math.round(performance.now() - since)} ms`)
      await away.comeBack()
      let count = 0
      const waking = setInterval(() => void engine.wake([wakeOf(`after ${count++}`)]), 200)
      await eventually('wakes come again', () => taken.ids.some((id) => id.startsWith('after')), 20_000).finally(() =>
        clearInterval(waking),
      )
    },
  )
}

function declare<Space extends EngineSpace>(
  test: TestFramework['test'],
  options: EngineConformanceOptions,
  createSpace: (() => Promise<Space>) | undefined,
  reason: string,
  title: string,
  body: (bench: EngineBench, space: Space) => Promise<void>,
): void {
  if (createSpace === undefined) test.skip(`${title} (${options.name}: ${reason})`, async () => {})
  else
    test(title, async () => {
      const space = await createSpace()
      await onEngineBench(options, space, (bench) => body(bench, space))
    })
}
