import type { RandomSource } from './random-source.ts'

/** What can go wrong between a process and its store, each with its probability per call (or hint). */
export interface FaultRates {
  /** The call never gets there. */
  readonly error: number
  /** It has its effect, but the caller is told that the connection broke. */
  readonly lostAnswer: number
  /** The caller gives up, and the call has its effect later. */
  readonly late: number
  /** It has its effect twice. */
  readonly duplicate: number
  readonly slow: number
  /** A value that the store refuses for good. */
  readonly refused: number
  readonly lostHint: number
  readonly duplicateHint: number
}

const none: FaultRates = {
  error: 0,
  lostAnswer: 0,
  late: 0,
  duplicate: 0,
  slow: 0,
  refused: 0,
  lostHint: 0,
  duplicateHint: 0,
}

const network: FaultRates = {
  error: 0.03,
  lostAnswer: 0.03,
  late: 0.01,
  duplicate: 0.02,
  slow: 0.03,
  refused: 0,
  lostHint: 0.3,
  duplicateHint: 0.1,
}

/** What a run is about. */
export const profiles = {
  /** Nothing goes wrong at all: everything must happen exactly once. */
  calm: { rates: none, kills: 0, pauses: 0, outages: 0, closes: 0, hasUsers: false },
  users: { rates: { ...none, slow: 0.01 }, kills: 0, pauses: 0, outages: 0, closes: 0, hasUsers: true },
  crashes: { rates: none, kills: 4, pauses: 3, outages: 0, closes: 2, hasUsers: false },
  network: { rates: network, kills: 0, pauses: 0, outages: 2, closes: 0, hasUsers: false },
  storm: { rates: { ...network, refused: 0.002 }, kills: 3, pauses: 3, outages: 1, closes: 2, hasUsers: true },
} as const

export type ProfileName = keyof typeof profiles
export type Profile = (typeof profiles)[ProfileName]

/** How a call goes. */
export type CallFate = 'well' | 'error' | 'lostAnswer' | 'late' | 'duplicate' | 'slow'

/** Decides what goes wrong, and counts it. */
export class Faults {
  readonly counts: Record<string, number> = {}
  readonly #random: RandomSource
  readonly #rates: FaultRates
  isActive = true
  /** Nobody reaches the store. */
  isOut = false

  constructor(random: RandomSource, rates: FaultRates) {
    this.#random = random
    this.#rates = rates
  }

  count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
  }

  fateOfCall(): CallFate {
    if (!this.isActive) return 'well'
    for (const kind of ['error', 'lostAnswer', 'late', 'duplicate', 'slow'] as const)
      if (this.#random.chance(this.#rates[kind])) {
        this.count(kind)
        return kind
      }
    return 'well'
  }

  /** How often a hint arrives. */
  timesOfHint(): number {
    if (!this.isActive) return 1
    if (this.#random.chance(this.#rates.lostHint)) {
      this.count('lostHint')
      return 0
    }
    if (!this.#random.chance(this.#rates.duplicateHint)) return 1
    this.count('duplicateHint')
    return 2
  }

  isRefused(): boolean {
    if (!this.isActive || !this.#random.chance(this.#rates.refused)) return false
    this.count('refused')
    return true
  }

  /** How long a message is under way, in milliseconds. */
  delay(fate: CallFate): number {
    if (fate === 'slow' && this.isActive) return this.#random.between(50, 2_500)
    return this.#random.chance(0.9) ? this.#random.between(0.1, 3) : this.#random.between(3, 40)
  }
}
