import { readOf } from '../core/thrown.ts'

/** What a process of `docket` exits with. */
export const exitCodes = {
  /** What was wanted is done. */
  done: 0,
  /** The execution failed, or was cancelled. */
  failed: 1,
  /** The call is wrong: an unknown command, option or name, a value that does not fit. Nothing has happened. */
  usage: 2,
  /** There is no such execution, schedule or file. */
  notFound: 3,
  /** It is in conflict with what is there, or was refused; of several, at least one. */
  refused: 4,
  /** The store, or the engine, can't be reached or used. */
  unreachable: 5,
  /** Interrupted from the keyboard. */
  interrupted: 130,
} as const

/** One of the codes. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** Why a command could not do what it was called for, in words for whoever typed it. */
export class CliError extends Error {
  /** What the process exits with. */
  readonly exitCode: ExitCode
  /** The stable code of what went wrong below it; undefined where there is nothing below it. */
  readonly code: string | undefined

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions & { readonly code?: string }) {
    super(message, options)
    this.name = 'CliError'
    this.exitCode = exitCode
    const code = options?.code ?? readOf(options?.cause, 'code')
    this.code = typeof code === 'string' ? code : undefined
  }
}

const codesOfErrors: Readonly<Record<string, ExitCode>> = {
  OPTION_INVALID: exitCodes.usage,
  INPUT_INVALID: exitCodes.usage,
  GRAPH_INVALID: exitCodes.usage,
  EXECUTION_CONFLICT: exitCodes.refused,
  REFUSED: exitCodes.refused,
  DEADLOCK: exitCodes.refused,
  RERUN_MISMATCH: exitCodes.refused,
  QUERY_FAILED: exitCodes.refused,
  SERIALIZATION_FAILED: exitCodes.refused,
  UPDATE_REJECTED: exitCodes.refused,
  UPDATE_ENDED: exitCodes.refused,
  UPDATE_TIMEOUT: exitCodes.refused,
  // The port of `docket inspect`.
  EADDRINUSE: exitCodes.refused,
  EACCES: exitCodes.refused,
  STORE_FAILED: exitCodes.unreachable,
  ENGINE_FAILED: exitCodes.unreachable,
  LEASE_LOST: exitCodes.unreachable,
}

/** What a process exits with that ends with this error: by its code, whatever copy of the package it is of. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode
  return codesOfErrors[String(readOf(error, 'code'))] ?? exitCodes.failed
}
