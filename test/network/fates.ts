import type { Fate } from '../servers/hostile-proxy.ts'

/** A fate by chance: about half of the connections are left alone, so that something goes on, and all kinds are met soon. */
export function randomFate(random: () => number, longestMuteMs: number): Fate {
  const upTo = (most: number): number => Math.floor(random() * most)
  const one = <T>(...all: readonly T[]): T => all[upTo(all.length)]!
  const of = one('sent' as const, 'answered' as const)
  // At once; in the handshake; in the middle of something small, or of something large.
  const after = one(0, upTo(100), upTo(1_000), upTo(20_000))
  return one<() => Fate>(
    () => ({ kind: 'pass' }),
    () => ({ kind: 'pass' }),
    () => ({ kind: 'delay', ms: upTo(150) }),
    () => ({ kind: 'crumble', bytes: upTo(400) }),
    () => ({ kind: 'cut', of, after, how: one('reset', 'end') }),
    () => ({ kind: 'cut', of, after, how: one('reset', 'end') }),
    () => ({ kind: 'half-close', of, after }),
    () => ({ kind: 'mute', of, after, forMs: one(upTo(1_500), longestMuteMs) }),
  )()
}
