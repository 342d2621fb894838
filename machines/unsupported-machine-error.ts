/** A machine uses a feature of XState that the compiler does not translate. Thrown when the machine's module is loaded. */
export class UnsupportedMachineError extends Error {
  override readonly name = 'UnsupportedMachineError'
  /** Stable between versions. */
  readonly code = 'UNSUPPORTED_MACHINE'
  /** The machine's id. */
  readonly machine: string
  /** `undefined` when the machine as a whole is meant. */
  readonly state: string | undefined
  /** What can't be compiled. */
  readonly feature: string

  constructor(machine: string, state: string | undefined, feature: string, advice: string) {
    const place = state === undefined ? `machine "${machine}"` : `machine "${machine}", state "${state}"`
    super(`${place}: ${feature} can't be compiled; ${advice}`)
    this.machine = machine
    this.state = state
    this.feature = feature
  }
}
