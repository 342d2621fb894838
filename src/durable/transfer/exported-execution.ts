/** A value in an exported document: JSON of it, or why it is not there. */
export type ExportedValue =
  /** The value, as the stores that keep text write it: what JSON has no form for is tagged, `{ "$date": … }`. */
  | { readonly json: unknown }
  /** It is of a type that is declared `sensitive`. */
  | { readonly closed: 'sensitive' }
  /** It went through codecs, and was not decoded: its bytes, in base64. */
  | { readonly closed: 'encoded'; readonly codecs: readonly string[]; readonly bytes: string }

/** A record's fields, with its values as they are exported. Times are milliseconds since the epoch, by the store's clock. */
export type ExportedRecord = Readonly<Record<string, unknown>>

/** One execution with all its records, as plain data: `JSON.stringify` takes it as it is. Made by `docket.export`. */
export interface ExportedExecution {
  /** The form of the document. */
  readonly format: 'docket-execution/1'
  /** When it was made, as an ISO text. */
  readonly exportedAt: string
  /** Names of its types that are sensitive. */
  readonly sensitive: readonly string[]
  /** Its own record: `id`, `graph`, `target`, `status`, `inputs`, `output`, `error` and so on. */
  readonly execution: ExportedRecord
  /** The records of its steps. */
  readonly steps: readonly ExportedRecord[]
  /** What its durable functions and machines have on record beside them. */
  readonly checkpoints: readonly ExportedRecord[]
}

/** How an execution is exported. */
export interface ExportOptions {
  /** Whether values that went through codecs, such as encryption, are decoded: the document has them in the clear then. @default false */
  readonly decode?: boolean | undefined
}

export const exportFormat = 'docket-execution/1'
