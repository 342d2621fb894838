/**
 * What the page and its server say to each other: JSON over HTTP under `/api`, and frames of a WebSocket at `/api/live`. Times are ISO texts, in UTC. Every
 * request carries the token in the header `x-docket-token`, the WebSocket in its first frame.
 *
 * | request                                              | answer          |
 * | ---------------------------------------------------- | --------------- |
 * | `GET /api/about`                                     | `About`         |
 * | `GET /api/executions?<ExecutionFilter>&after&limit`  | `ExecutionRows` |
 * | `GET /api/counts?<ExecutionFilter>`                  | `StatusCounts`  |
 * | `GET /api/execution?id`                              | `ExecutionView` |
 * | `GET /api/mailbox?id&after`                          | `MailboxView`   |
 * | `GET /api/value?id&of&type&step&item&seq&form`       | `ValueView`     |
 * | `GET /api/why?id&step&item`                          | `WhyView`       |
 * | `GET /api/machine?id&step`                           | `MachineView`   |
 * | `GET /api/form?graph&target`                         | `StartForm`     |
 * | `GET /api/fleet`                                     | `FleetView`     |
 * | `GET /api/foreign`                                   | `ForeignActors` |
 * | `POST /api/acts` of an `Act`                         | `ActOutcomes`   |
 *
 * `of` of a value is `input` (then `type` says which), `output` (of the execution), `step` (the output of `step`, of `item` in a batch), or `message` (what that with the number `seq` brings). With `form=typed` its text is JSON in which nothing is lost.
 *
 * What went wrong is answered with `Refusal`, and a status of 400 (it is wrong), 401 (no token), 403 (refused), 404 (not there), 409 (in conflict) or 503 (the store can't be reached).
 */

/** What the page looks at, and what can be done with it. */
export interface About {
  /** The docket's name. */
  readonly name: string
  /** Name of the store. */
  readonly store: string
  /** Version of Docket. */
  readonly version: string
  /** Whether acts are let through. */
  readonly allowsActions: boolean
  /** Whether executions run in the process that answers, so that changes come at once. */
  readonly isLive: boolean
  /** The graphs that the process knows, by name. */
  readonly graphs: readonly { readonly name: string; readonly targets: readonly string[] }[]
  /** Whether actors of other programs may send what happens in them, so that `/api/foreign` may have some. */
  readonly takesForeign?: boolean
}

/** Which executions are listed or counted: all of these hold. Absent fields are left out of the query. */
export interface ExecutionFilter {
  /** In one of these, with commas between them. */
  readonly status?: string
  /** The graph's name. */
  readonly graph?: string
  /** The queue that they are in. */
  readonly queue?: string
  /** Their key. */
  readonly key?: string
  /** Created at this time or later. */
  readonly from?: string
  /** Created before this time. */
  readonly before?: string
  /** The code of the error that they ended with. */
  readonly errorCode?: string
  /** What a step of them waits for: the name of a signal or an event. */
  readonly waitsFor?: string
  /** Children of this execution. */
  readonly parent?: string
}

/** The fields of a filter, in the order in which the page's address has them. */
export const filterFields = [
  'status',
  'graph',
  'queue',
  'key',
  'from',
  'before',
  'errorCode',
  'waitsFor',
  'parent',
] as const satisfies readonly (keyof ExecutionFilter)[]

/** One line of the list. No values: those are requested one by one. */
export interface ExecutionRow {
  readonly id: string
  readonly graph: string
  readonly target: string
  readonly status: string
  readonly queue: string
  readonly key?: string
  readonly createdAt: string
  readonly startedAt?: string
  readonly endedAt?: string
  /** The process that runs it, or ran it last. */
  readonly owner?: string
  /** Code and message of what it ended with, cut to 500 characters. */
  readonly error?: ErrorView
  readonly parent?: string
  /** Why it can't go on here, if it can't. */
  readonly incompatible: readonly string[]
}

/** A page of the list, the newest first. */
export interface ExecutionRows {
  readonly executions: readonly ExecutionRow[]
  /** `after` of the next page; absent on the last. */
  readonly next?: string
}

/** How many there are in each status that has any; counting stops at 10,000. */
export interface StatusCounts {
  readonly counts: Readonly<Record<string, { readonly count: number; readonly isMore: boolean }>>
}

/** An error, as far as a person needs it. */
export interface ErrorView {
  readonly name: string
  readonly message: string
  readonly code?: string
  /** What it comes from, outermost first. */
  readonly causes?: readonly { readonly name: string; readonly message: string; readonly code?: string }[]
}

/** One execution: its plan with what each step does. */
export interface ExecutionView extends ExecutionRow {
  readonly kind: 'execution' | 'batch'
  /** In a sentence: which process runs it, or why none does. */
  readonly situation: string
  readonly headers: Readonly<Record<string, string>>
  readonly deadline?: string
  readonly forkedFrom?: string
  /** Names of the types that were given, and the size of their values. */
  readonly inputs: readonly ValueRef[]
  readonly output?: ValueRef
  /** In the order of the plan. */
  readonly steps: readonly StepView[]
  readonly children: readonly {
    readonly id: string
    readonly graph: string
    readonly target: string
    readonly status: string
    /** The step that has begun it; none where its id does not say so. */
    readonly step?: string
  }[]
  /** Of a batch. */
  readonly items?: {
    readonly total: number
    readonly completed: number
    readonly failed: number
    readonly running: number
  }
  /** What people did to it, the newest first. */
  readonly acts: readonly ActView[]
  /** Grows with every change that is known here. */
  readonly seq: number
}

/** A value that is sent on request alone. */
export interface ValueRef {
  /** Name of its data type. */
  readonly type: string
  /** Whether its type is declared `sensitive`: its value is never sent. */
  readonly isSensitive: boolean
}

/** One step of the plan, or of one item of a batch. */
export interface StepView {
  readonly step: string
  /** Key of the batch's item. */
  readonly item?: string
  /** `function`, `race`, `timer`, `signal`, `event`, `subgraph`, `durable`, `machine`, `remote`, `value`; absent where its graph is not known. */
  readonly kind?: string
  readonly status: string
  readonly attempt: number
  /** Steps that its inputs come from, by name. */
  readonly dependsOn: readonly string[]
  /** Name of the type that it makes. */
  readonly output?: ValueRef
  readonly queuedAt?: string
  readonly startedAt?: string
  readonly endedAt?: string
  readonly dueAt?: string
  /** What it waits for, in words. */
  readonly waitsFor?: string
  readonly error?: ErrorView
  /** The last 25 tries. */
  readonly attempts: readonly {
    readonly attempt: number
    readonly startedAt: string
    readonly endedAt?: string
    readonly owner?: string
    readonly error?: ErrorView
  }[]
  /** Of a durable function, what its verbs came to. */
  readonly checkpoints?: readonly {
    readonly name: string
    readonly kind: string
    readonly status: string
    readonly at: string
  }[]
  /** How far it is undone. */
  readonly undo?: string
}

/** What an event says of a step: what it waited for, was due at or failed of before does not hold any more, unless it says so again. */
export type StepChange = Pick<StepView, 'step' | 'status' | 'attempt'> &
  Partial<Pick<StepView, 'startedAt' | 'endedAt' | 'dueAt' | 'error'>>

/** What was sent to an execution and is not taken yet, in the order in which it came; a page of a hundred at the most. */
export interface MailboxView {
  readonly messages: readonly MessageView[]
  /** `after` of the next page; absent on the last. */
  readonly next?: string
}

/** One message, without what it brings. */
export interface MessageView {
  /** Its number in the mailbox. */
  readonly seq: number
  /** `signal`, `update`, `reschedule`, `cancel`, … */
  readonly kind: string
  /** Name of the type of what it brings, where that has one. */
  readonly type?: string
  /** Of a batch, the index of the item that it is for. */
  readonly item?: number
  /** As its sender named it. */
  readonly id?: string
  readonly at: string
  /** How long what it brings is in the store; 0 for nothing. */
  readonly bytes: number
  readonly isSensitive: boolean
}

/** One value, as text for people. */
export interface ValueView {
  readonly type: string
  /** JSON for people, indented, of the first 64 kB; absent where it is sensitive or can't be read. Typed, what JSON has no form for is tagged: `{ "$date": … }`. */
  readonly text?: string
  /** How long the whole text is, in bytes. */
  readonly bytes: number
  readonly isCut: boolean
  readonly isSensitive: boolean
  /** Why it can't be shown, if it can't. */
  readonly problem?: string
}

/** Why a step, or an execution, is where it is. */
export interface WhyView {
  /** In a sentence or two. */
  readonly text: string
  /** What kind of reason it is: stable, for programs. */
  readonly code: string
}

/** The statechart of a step. */
export interface MachineView {
  /** The machine's definition, as XState's inspector sends it. */
  readonly definition: unknown
  /** The state that it is in, as XState writes it; absent where nothing is known. */
  readonly value?: unknown
}

/** What has to be given to start an execution. */
export interface StartForm {
  /** Leaf types, each with an example made from its schema, where there is one. */
  readonly inputs: readonly { readonly type: string; readonly isOptional: boolean; readonly example?: unknown }[]
}

/** Something that a person does. */
export type Act =
  | { readonly act: 'cancel' | 'retry' | 'delete'; readonly ids: readonly string[] }
  /** All that a filter finds; the server works through them, ended ones get an outcome of their own. */
  | { readonly act: 'cancel' | 'retry' | 'delete'; readonly filter: ExecutionFilter; readonly most: number }
  | {
      readonly act: 'fork'
      readonly id: string
      readonly from: string
      /** Typed JSON, by type. */
      readonly overrides?: Readonly<Record<string, unknown>>
    }
  | { readonly act: 'signal'; readonly id: string; readonly type: string; readonly value: unknown }
  | { readonly act: 'update'; readonly id: string; readonly type: string; readonly value: unknown }
  | { readonly act: 'reschedule'; readonly id: string; readonly timer: string; readonly at: string }
  | {
      readonly act: 'start'
      readonly graph: string
      readonly target: string
      readonly inputs: Readonly<Record<string, unknown>>
      readonly id?: string
    }
  | { readonly act: 'pauseQueue' | 'resumeQueue'; readonly queue: string }
  | { readonly act: 'pauseSchedule' | 'resumeSchedule' | 'triggerSchedule'; readonly schedule: string }
  | { readonly act: 'backfillSchedule'; readonly schedule: string; readonly from: string; readonly to: string }

/** What became of an act, one line for each thing that it was about. */
export interface ActOutcomes {
  readonly outcomes: readonly {
    /** What it was done to. */
    readonly id: string
    readonly isDone: boolean
    /** Why not, or what came of it. */
    readonly text?: string
    /** Of the execution that was begun by it. */
    readonly newId?: string
  }[]
  /** Whether a filter found more than `most`. */
  readonly isMore?: boolean
}

/** An act on record: whose it was, what, and when. */
export interface ActView {
  readonly at: string
  readonly by: string
  readonly act: string
  readonly note?: string
}

/** Actors of programs that send what happens in them with XState's own inspectors (`createWebSocketInspector` of `@statelyai/inspect`). */
export interface ForeignActors {
  /** Parents before their children, the oldest first; those beyond the first thousand are left out. */
  readonly actors: readonly ForeignActor[]
  /** The one that was chosen, or the first machine: what is drawn of it may be large, and is sent of no other. */
  readonly chosen?: ForeignActorState
  /** How many messages of programs were too large, or came too fast, and were left out; absent for none. */
  readonly leftOut?: number
  /** Grows with every change. */
  readonly seq: number
}

/** One actor, in the list. */
export interface ForeignActor {
  /** Unique among all: of the connection that it came by, and of the actor there. */
  readonly id: string
  /** Of its parent, if that is known. */
  readonly parent?: string
  /** What it calls itself. */
  readonly name: string
  /** Whether it has a statechart. */
  readonly isMachine: boolean
  /** `active`, `done`, `error` or `stopped`. */
  readonly status?: string
  /** When it was heard of last. */
  readonly at: string
  /** Whether the program that it is of is still connected. */
  readonly isConnected: boolean
}

/** The state that an actor was in last. */
export interface ForeignActorState extends ForeignActor {
  /** The machine's definition, as XState's inspector sends it; absent for actors that are no machines. */
  readonly definition?: unknown
  /** The state that it is in, as XState writes it. */
  readonly value?: unknown
  /** Its context, as JSON, of the first 64 kB. */
  readonly context?: string
  /** The events that it got last, by type, the newest first; twenty at most. */
  readonly events: readonly { readonly type: string; readonly at: string }[]
}

/** Why a request was refused. */
export interface Refusal {
  readonly error: { readonly message: string; readonly code?: string }
}

/** What the page says on the WebSocket: first the token, then what it looks at. */
export type PageFrame =
  | { readonly type: 'token'; readonly token: string }
  /**
   * The list, or one execution; what was watched before is watched no more. With a filter, rows of the first page that it finds come, and those that were on that page and have changed;
   * without, rows of all.
   */
  | { readonly type: 'watch'; readonly execution?: string; readonly filter?: ExecutionFilter }

/** What the server says: at most sixty frames a second, the newest state of whatever changed meanwhile. */
export type LiveFrame =
  | { readonly type: 'ready' }
  /** Nothing has happened, and the connection is there: every 20 s, so that a page notices one that has died without a word. */
  | { readonly type: 'alive' }
  /** Whether the store answers: only where that has changed, and to a page that comes while it does not. Until it does again, what is shown may be old. */
  | { readonly type: 'store'; readonly seq: number; readonly isAway: boolean }
  /** Executions that changed, for the list; `gone`: those that what is watched does not find any more, deleted or changed. */
  | {
      readonly type: 'rows'
      readonly seq: number
      readonly rows: readonly ExecutionRow[]
      readonly gone?: readonly string[]
    }
  /**
   * Steps of the watched execution that changed, each whole, in the place of what was known of it; `changes`: what has happened to steps in the moment. The execution's own line and
   * situation where these changed. `isGone`: it was deleted.
   */
  | {
      readonly type: 'steps'
      readonly situation?: string
      readonly isGone?: boolean
      readonly seq: number
      readonly steps: readonly StepView[]
      readonly changes?: readonly StepChange[]
      readonly row?: ExecutionRow
    }
  /** Actors of other programs have changed: `/api/foreign` has them. At most once a second. */
  | { readonly type: 'foreign'; readonly seq: number }
  /** Frames were left out, since the page did not read them in time: it asks for everything again. */
  | { readonly type: 'gap'; readonly seq: number }
