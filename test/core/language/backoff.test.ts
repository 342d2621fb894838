import { describe, expect, test } from 'vitest'
import { exponential, fixed, GraphError, step } from '../../../src/index.ts'
import { graphOf, number, thrownBy } from '../../loose-api.ts'

const noRandom = (): number => expect.unreachable('no randomness was asked for')

function delays(backoff: ReturnType<typeof exponential>, count: number, random = noRandom): readonly unknown[] {
  return Array.from({ length: count }, (_, index) => backoff(index + 1, random))
}

/** What `graph()` tells of a step with this backoff. */
function problemsWith(backoff: unknown): readonly string[] {
  const s = step({
    name: 's',
    output: number('T'),
    retry: { maxAttempts: 2, backoff: backoff as number },
    run: () => 1,
  })
  const error = thrownBy(() => graphOf([s])) as GraphError
  expect(error).toBeInstanceOf(GraphError)
  return error.problems.map((problem) => problem.message)
}

describe('fixed', () => {
  test('waits the same before every attempt', () => {
    expect(delays(fixed('5s'), 3)).toEqual(['5s', '5s', '5s'])
    expect(delays(fixed(0), 2)).toEqual([0, 0])
  })

  test.each([[-1], [Number.NaN], ['soon'], [undefined], [null], [10n], [{}], [Symbol('s')]])(
    'of %s throws nothing, and graph() reports it',
    (delay) => {
      const [problem, ...others] = problemsWith(fixed(delay as never))
      expect(problem).toMatch(/"s".*backoff.*delay/)
      expect(others).toEqual([])
    },
  )
})

describe('exponential', () => {
  test('doubles from the first wait, up to 30 s', () => {
    expect(delays(exponential('100ms'), 5)).toEqual([100, 200, 400, 800, 1_600])
    expect(delays(exponential('10s'), 4)).toEqual([10_000, 20_000, 30_000, 30_000])
  })

  test('takes factor and max', () => {
    expect(delays(exponential(1, { factor: 3 }), 4)).toEqual([1, 3, 9, 27])
    expect(delays(exponential(10, { factor: 1 }), 3)).toEqual([10, 10, 10])
    expect(delays(exponential(10, { max: '15ms' }), 3)).toEqual([10, 15, 15])
  })

  test('is never more than max, and always a number, however many attempts', () => {
    for (const attempt of [100, 1_025, 10_000, 1e9]) {
      expect(exponential('1s')(attempt, noRandom)).toBe(30_000)
      expect(exponential(0)(attempt, noRandom)).toBe(0)
      expect(exponential(5, { factor: 1 })(attempt, noRandom)).toBe(5)
    }
  })

  test('without jitter asks for no randomness', () => {
    expect(delays(exponential(10, { jitter: 0 }), 1)).toEqual([10])
  })

  test('takes the jitter off the wait, in the given share', () => {
    expect(exponential(100, { jitter: 1 })(1, () => 0)).toBe(100)
    expect(exponential(100, { jitter: 1 })(1, () => 0.75)).toBe(25)
    expect(exponential(100, { jitter: 0.5 })(1, () => 0.5)).toBe(75)
    expect(exponential('1h', { jitter: 1, max: '1m' })(1, () => 0.5)).toBe(30_000)
  })

  test.each<readonly [name: string, initial: unknown, options: unknown, told: readonly RegExp[]]>([
    ['a negative start', -1, {}, [/initial/]],
    ['a start that can’t be read', 'soon', {}, [/initial "soon"/]],
    ['a start that is a bigint', 10n, {}, [/initial/]],
    ['a max that can’t be read', 1, { max: 'later' }, [/max "later"/]],
    ['a factor below 1', 1, { factor: 0.5 }, [/factor/]],
    ['a factor of NaN', 1, { factor: Number.NaN }, [/factor/]],
    ['an endless factor', 1, { factor: Infinity }, [/factor/]],
    ['a factor that is a text', 1, { factor: '2' }, [/factor/]],
    ['a factor that is null', 1, { factor: null }, [/factor/]],
    ['a jitter above 1', 1, { jitter: 1.1 }, [/jitter/]],
    ['a negative jitter', 1, { jitter: -0.1 }, [/jitter/]],
    ['a jitter that is a text', 1, { jitter: '0.5' }, [/jitter/]],
    ['an unknown option', 1, { jiter: 0.5 }, [/"jiter".*factor, max, jitter/]],
    ['options that are null', 1, null, [/options/]],
    ['options that are a number', 1, 5, [/options/]],
    [
      'all of it at once',
      'soon',
      { max: -1, factor: 0, jitter: 2, cap: 1 },
      [/initial/, /max/, /factor/, /jitter/, /cap/],
    ],
  ])('%s throws nothing, and graph() reports it', (_, initial, options, told) => {
    const problems = problemsWith(exponential(initial as never, options as never))
    expect(problems).toHaveLength(told.length)
    for (const pattern of told) expect(problems.some((problem) => pattern.test(problem))).toBe(true)
  })
})
