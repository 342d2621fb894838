/** Where a command writes texts. */
export interface CliOutput {
  /** Whether a person looks at it. */
  readonly isTTY?: boolean | undefined
  /** How wide it is, in characters. */
  readonly columns?: number | undefined
  /** Takes a text. */
  write(text: string): unknown
}

/** What surrounds a command: a process has these, and a test gives its own. */
export interface CliStreams {
  /** Takes results. */
  readonly stdout: CliOutput
  /** Takes talk: questions, progress, errors. */
  readonly stderr: CliOutput
  /** Gives answers, and inputs that are read from it. */
  readonly stdin: AsyncIterable<unknown> & { readonly isTTY?: boolean | undefined }
  /** Variables of the environment: NO_COLOR, DOCKET_STORE. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The folder that paths are relative to. */
  readonly cwd: string
  /** Is called before something is done: that is done to its end, whether anybody reads of it or not. */
  readonly onAct?: (() => void) | undefined
  /** Is called once it is known whether the store answers, with what the command says, or has said, of that. */
  readonly onStore?: ((said: readonly string[], answers: boolean) => void) | undefined
  /** Is called before something is followed until it ends: nobody may read of it by then. */
  readonly onFollow?: (() => void) | undefined
  /** Gives a signal that is aborted once nobody reads results any more, for what goes on only while somebody does. */
  readonly whileRead?: (() => AbortSignal) | undefined
  /** Aborted by the first SIGINT, by SIGTERM, and by SIGHUP. */
  readonly signal: AbortSignal
}
