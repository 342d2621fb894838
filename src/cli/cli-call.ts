import type { AnyGraph, CommandOptions, Docket } from '../index.ts'
import { describeThrown, readOf } from '../core/thrown.ts'
import { CliError, exitCodes } from './cli-error.ts'
import type { CliStreams } from './cli-streams.ts'
import { findConfig, loadConfig } from './load-config.ts'
import type { StorePlace } from './open-store.ts'
import type { Printer } from './printer.ts'

/** What every command takes. */
export interface GlobalOptions {
  /** Path of the configuration. */
  readonly config?: string | undefined
  /** A store to look at without the graphs' code. */
  readonly store?: string | undefined
  /** Of PostgreSQL. */
  readonly schema?: string | undefined
  /** Of MySQL's tables, or of Redis's keys. */
  readonly prefix?: string | undefined
  /** Results as JSON. */
  readonly json?: boolean | undefined
  /** How long the store has to answer first, in milliseconds. */
  readonly timeout: number
}

/** What a command is about to do with a docket: look, act on what others run, or run executions itself. */
export type DocketUse = 'look' | 'act' | 'run' | 'work'

// Declarations of an older checkout must not take the place of those that are in force.
const declaresNothing = { schedules: undefined, queues: undefined, retain: undefined } as const

/** One call of a command. */
export class CliCall {
  /** As it was typed, with the words of its group. */
  readonly command: string
  /** Positional arguments. */
  readonly args: readonly string[]
  /** Options of the command, by their names in camel case. */
  readonly options: Readonly<Record<string, unknown>>
  /** Options of every command. */
  readonly globals: GlobalOptions
  /** What surrounds it. */
  readonly streams: CliStreams
  /** Writes its results. */
  readonly printer: Printer

  constructor(given: Pick<CliCall, 'command' | 'args' | 'options' | 'globals' | 'streams' | 'printer'>) {
    this.command = given.command
    this.args = given.args
    this.options = given.options
    this.globals = given.globals
    this.streams = given.streams
    this.printer = given.printer
  }

  /** An option that is a text; undefined where it was not given. */
  text(name: string): string | undefined {
    const value = this.options[name]
    return typeof value === 'string' ? value : undefined
  }

  /** Whether a flag was given. */
  has(name: string): boolean {
    return this.options[name] === true
  }

  /** Where the store is that is looked at without the graphs' code; undefined where the configuration says it. */
  get storePlace(): StorePlace | undefined {
    const { store, schema, prefix, config } = this.globals
    if (store !== undefined && config !== undefined)
      throw new CliError(exitCodes.usage, 'give --store or --config: a configuration has its own store')
    const url =
      store ?? (config === undefined && this.#configPath === undefined ? this.streams.env['DOCKET_STORE'] : undefined)
    if (url !== undefined) return { url, schema, prefix }
    if (schema !== undefined || prefix !== undefined)
      throw new CliError(exitCodes.usage, '--schema and --prefix are for --store')
    return undefined
  }

  get #configPath(): string | undefined {
    return findConfig(this.streams.cwd, this.globals.config)
  }

  /** The docket of the configuration, or one over the store that is looked at; closed afterwards. @throws CliError, and what the work throws */
  async withDocket<Result>(
    use: DocketUse,
    work: (docket: Docket) => Promise<Result>,
    more: CommandOptions = {},
  ): Promise<Result> {
    await using docket = await this.openDocket(use, more)
    await this.requireStore(docket)
    return await work(docket)
  }

  /** As `withDocket`, for a caller that closes it. @throws CliError */
  async openDocket(use: DocketUse, more: CommandOptions = {}): Promise<Docket> {
    const options = { ...this.#optionsFor(use), ...more }
    if (use !== 'look') this.streams.onAct?.()
    const place = this.storePlace
    if (place !== undefined) {
      if (use === 'run' || use === 'work')
        throw new CliError(
          exitCodes.usage,
          `docket ${this.command} needs the graphs' code: a docket.config.ts, and not --store`,
        )
      const [{ openStore }, { createDocket }] = await Promise.all([import('./open-store.ts'), import('../index.ts')])
      return createDocket({ graphs: [], store: await openStore(this.streams.cwd, place), ...options })
    }
    const path = this.#configPath
    if (path === undefined)
      throw new CliError(
        exitCodes.usage,
        'there is no docket.config.ts here or above, and no --store: docket init writes a first project, and --store sqlite:orders.db looks at a store',
      )
    const docket = await (await loadConfig(path, this.streams.signal)).makeDocket(options)
    const made = readOf(docket, 'options')
    if (use === 'work' || readOf(made, 'takeOver') === false) return docket
    await docket.close({ deadline: 0 })
    if (made === undefined)
      throw new CliError(
        exitCodes.usage,
        `${path} makes its docket with an older version of docket than this command is of: update docket there, or call that one's own command, as npx docket does in its project`,
      )
    throw new CliError(
      exitCodes.usage,
      `${path} does not heed the options that it is given, so that docket ${this.command} would go on with executions of others: spread them into createDocket({ …, ...options }), behind all others`,
    )
  }

  #optionsFor(use: DocketUse): CommandOptions {
    if (use === 'work') return {}
    const name = 'docket-command'
    if (use === 'run') return { takeOver: false, work: { default: 100 }, engine: undefined, name, ...declaresNothing }
    const looking = { takeOver: false, work: false, name, ...declaresNothing } as const
    // An act may be something to wake others for.
    return use === 'act' ? looking : { ...looking, engine: undefined }
  }

  /** Makes sure that the store is there, before a call that would wait for it. @throws CliError where it does not answer, or can't be used */
  async requireStore(docket: Docket): Promise<void> {
    const { timeout } = this.globals
    const { storeMs, problems } = await docket.health({ deadline: timeout })
    const answers = storeMs !== undefined
    this.streams.onStore?.(answers ? [] : problems, answers)
    if (answers) return
    throw new CliError(exitCodes.unreachable, problems.join('; ') || `the store did not answer within ${timeout} ms`, {
      code: 'STORE_FAILED',
    })
  }
}

/** A graph of a docket by its name; undefined where it is not among them. */
export function graphNamed(docket: Docket, name: string): AnyGraph | undefined {
  return docket.about().graphs.find((graph) => graph.name === name || graph.formerly.includes(name))
}

/** What an error says, on one line or several. */
export function messageOf(error: unknown): string {
  return describeThrown(error)
}
