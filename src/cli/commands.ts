import { bulkOptions } from './bulk-options.ts'
import type { CommandSpec, OptionSpec } from './command-spec.ts'
import { filterOptions } from './filter-options.ts'
import { readCount, readDuration, readIndex, readPort, readTime } from './read-options.ts'
import { readRate, readStatuses } from './read-words.ts'
import { startOptions } from './start-options.ts'

const yes: OptionSpec = { flags: '-y, --yes', summary: 'does it without a question' }
const note: OptionSpec = { flags: '--note <text>', summary: 'why, for others' }
const item: OptionSpec = { flags: '--item <index>', summary: 'the item of a batch that it is for', read: readIndex }
const follow: OptionSpec = {
  flags: '-f, --follow',
  summary: 'goes on until it has ended; exits with 1 unless it completed',
}

const lookCommands: readonly CommandSpec[] = [
  {
    usage: 'list',
    summary: 'lists executions, the newest first',
    options: [
      ...filterOptions,
      { flags: '--limit <n>', summary: 'so many at most (default: 50)', read: readCount },
      { flags: '--all', summary: 'all of them' },
      { flags: '--count', summary: 'how many there are in each status, up to 10,000' },
    ],
    load: async () => (await import('./commands/list.ts')).list,
  },
  {
    usage: 'show <id>',
    summary: 'shows an execution with its steps, what each waits for, and what lies in its mailbox',
    options: [
      follow,
      { flags: '--values', summary: 'with inputs, outputs and what messages bring, but for those of sensitive types' },
      { flags: '--live', summary: 'lets the process that runs it say what its steps do' },
    ],
    load: async () => (await import('./commands/show.ts')).show,
  },
  {
    usage: 'why <id> [step]',
    summary: 'says why an execution, or one of its steps, is where it is',
    options: [
      { flags: '--item <key>', summary: 'of a batch, the item of this key' },
      { flags: '--live', summary: 'lets the process that runs it say what its steps do' },
    ],
    load: async () => (await import('./commands/why.ts')).why,
  },
  {
    usage: 'export <id>',
    summary: 'prints an execution with all its records, for a bug report or a replay; sensitive values are closed',
    options: [{ flags: '--decode', summary: 'with values that went through codecs in the clear' }],
    load: async () => (await import('./commands/export.ts')).exportExecution,
  },
  {
    usage: 'events <id>',
    summary:
      'prints what is on record of an execution, in the order in which it happened: how its steps stand, not all that came before',
    options: [follow],
    load: async () => (await import('./commands/events.ts')).events,
  },
  {
    usage: 'query <id> <name>',
    summary: 'prints what a query of the execution’s graph gives; nothing where it has a sensitive type',
    options: [{ flags: '--input <json>', summary: 'what the query is given; @file and - read it' }],
    load: async () => (await import('./commands/send.ts')).query,
  },
  {
    usage: 'explain <graph> <target>',
    summary: 'prints the plan of a target without running it',
    options: [
      startOptions[0]!,
      { flags: '--id <id>', summary: 'the execution whose remembered results count' },
      { flags: '--mermaid', summary: 'as a Mermaid diagram' },
    ],
    load: async () => (await import('./commands/explain.ts')).explain,
  },
  {
    usage: 'acts [id]',
    summary: 'lists what people did, to an execution or to anything, the newest first',
    options: [{ flags: '--limit <n>', summary: 'so many at most (default: 50)', read: readCount }],
    load: async () => (await import('./commands/acts.ts')).acts,
  },
  {
    usage: 'workers',
    summary: 'lists the processes that live on the store',
    load: async () => (await import('./commands/workers.ts')).workers,
  },
]

const runCommands: readonly CommandSpec[] = [
  {
    usage: 'run <graph> <target>',
    summary: 'runs an execution in this process, with progress, and prints its value',
    options: [...startOptions, { flags: '-q, --quiet', summary: 'without progress' }],
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    usage: 'start <graph> <target>',
    summary: 'starts an execution for whatever process serves its queue, and prints its id',
    options: startOptions,
    load: async () => (await import('./commands/start.ts')).start,
  },
  {
    usage: 'worker',
    summary: 'runs executions until it is interrupted, and hands over then what has not ended',
    options: [
      {
        flags: '--queue <name=slots>',
        summary: 'serves this queue with so many slots (a name alone: 100), in the place of work',
        isRepeatable: true,
      },
      {
        flags: '--deadline <duration>',
        summary: 'how long executions have to end once it closes (default: 10s)',
        read: readDuration,
      },
    ],
    load: async () => (await import('./commands/worker.ts')).worker,
  },
]

const actCommands: readonly CommandSpec[] = [
  {
    usage: 'cancel [ids...]',
    summary: 'cancels executions, wherever they run',
    options: [...bulkOptions, { flags: '--reason <text>', summary: 'why, in their errors' }],
    load: async () => (await import('./commands/cancel.ts')).cancel,
  },
  {
    usage: 'retry [ids...]',
    summary: 'lets executions that failed or were cancelled go on from their records',
    options: [
      ...bulkOptions,
      { flags: '--item <key>', summary: 'of a batch, the item of this key', isRepeatable: true },
    ],
    load: async () => (await import('./commands/retry.ts')).retry,
  },
  {
    usage: 'fork <id>',
    summary: 'starts a new execution with what another one has, but for a step and what depends on it',
    options: [
      { flags: '--from <step>', summary: 'the step that is done anew' },
      {
        flags: '--override <json>',
        summary: 'other values for types, in the forms of --input of run',
        isRepeatable: true,
      },
      { flags: '--id <id>', summary: 'the id of the new execution' },
    ],
    load: async () => (await import('./commands/fork.ts')).fork,
  },
  {
    usage: 'delete [ids...]',
    summary: 'deletes executions with all their records; those that have not ended are cancelled first',
    options: [...bulkOptions, { flags: '--no-undo', summary: 'undoes nothing of those that have not ended' }],
    load: async () => (await import('./commands/delete.ts')).deleteExecutions,
  },
  {
    usage: 'purge',
    summary: 'deletes executions that ended a while ago',
    options: [
      { flags: '--older-than <duration>', summary: 'that ended before: 30d', read: readDuration },
      { flags: '--all', summary: 'however lately they ended' },
      { flags: '--status <status>', summary: 'that ended so; several with commas between them', read: readStatuses },
      yes,
      { flags: '--dry-run', summary: 'says how many, and deletes none' },
    ],
    load: async () => (await import('./commands/delete.ts')).purge,
  },
  {
    usage: 'signal <id> <type>',
    summary: 'gives an execution a value that one of its steps waits for',
    options: [
      { flags: '--value <json>', summary: 'the value; @file and - read it' },
      { flags: '--id <id>', summary: 'the id of the signal: the same one is sent once' },
      item,
    ],
    load: async () => (await import('./commands/send.ts')).signal,
  },
  {
    usage: 'update <id> <type>',
    summary: 'sends an update, and prints what it is answered with',
    options: [
      { flags: '--value <json>', summary: 'what is sent; @file and - read it' },
      { flags: '--id <id>', summary: 'the id of the update: the same one is sent once' },
      { flags: '--wait <duration>', summary: 'how long its answer is waited for (default: 30s)', read: readDuration },
      item,
    ],
    load: async () => (await import('./commands/send.ts')).update,
  },
  {
    usage: 'reschedule <id> <timer> <when>',
    summary: 'gives a timer another time: an ISO time, or 2h for in two hours',
    options: [item],
    load: async () => (await import('./commands/send.ts')).reschedule,
  },
]

const scheduleCommands: readonly CommandSpec[] = [
  {
    usage: 'schedules list',
    summary: 'lists what is started by the clock, as docket schedules alone does',
    isUsual: true,
    options: [{ flags: '--graph <name>', summary: 'of this graph' }],
    load: async () => (await import('./commands/schedules.ts')).listSchedules,
  },
  {
    usage: 'schedules pause <name>',
    summary: 'starts nothing by it until it is resumed',
    options: [note],
    load: async () => (await import('./commands/schedules.ts')).pauseSchedule,
  },
  {
    usage: 'schedules resume <name>',
    summary: 'goes on with the next nominal time',
    load: async () => (await import('./commands/schedules.ts')).resumeSchedule,
  },
  {
    usage: 'schedules trigger <name>',
    summary: 'starts an execution now, and prints its id',
    load: async () => (await import('./commands/schedules.ts')).triggerSchedule,
  },
  {
    usage: 'schedules backfill <name>',
    summary: 'starts executions for nominal times in the past that have none',
    options: [
      {
        flags: '--from <time>',
        summary: 'the first nominal time: an ISO time, or 2h for two hours ago',
        read: readTime,
      },
      { flags: '--to <time>', summary: 'the last one (default: now)', read: readTime },
      { flags: '--overlap <overlap>', summary: 'as that of a schedule, for these times (default: allowAll)' },
      yes,
      { flags: '--dry-run', summary: 'says how many, and starts none' },
    ],
    load: async () => (await import('./commands/schedules.ts')).backfillSchedule,
  },
  {
    usage: 'schedules delete <name>',
    summary: 'deletes a schedule; what it has started goes on',
    options: [yes],
    load: async () => (await import('./commands/schedules.ts')).deleteSchedule,
  },
]

const queueCommands: readonly CommandSpec[] = [
  {
    usage: 'queues list [names...]',
    summary: 'lists queues with what stands ready, what runs, and what limits them, as docket queues alone does',
    isUsual: true,
    load: async () => (await import('./commands/queues.ts')).listQueues,
  },
  {
    usage: 'queues pause <name>',
    summary: 'nothing of it begins or goes on in any process until it is resumed',
    options: [note],
    load: async () => (await import('./commands/queues.ts')).pauseQueue,
  },
  {
    usage: 'queues resume <name>',
    summary: 'lets it go on',
    load: async () => (await import('./commands/queues.ts')).resumeQueue,
  },
  {
    usage: 'queues limits <name>',
    summary: 'sets limits, above those that processes declare',
    options: [
      { flags: '--concurrency <n>', summary: 'so many at the same time', read: readCount },
      { flags: '--per-key', summary: 'for each key' },
      { flags: '--rate <rate>', summary: 'so many in a period: 10/1m', read: readRate },
      { flags: '--burst <n>', summary: 'so many at once, of the rate', read: readCount },
      { flags: '--declared', summary: 'takes them away, so that the declared ones hold' },
    ],
    load: async () => (await import('./commands/queues.ts')).limitQueue,
  },
]

const otherCommands: readonly CommandSpec[] = [
  {
    usage: 'inspect',
    summary: 'serves a page on this machine that shows executions as they run, until it is interrupted; prints its URL',
    options: [
      { flags: '--port <port>', summary: 'the port to listen on (default: 0, one that is free)', read: readPort },
      {
        flags: '--host <host>',
        summary: 'the address to listen on; off this machine only with DOCKET_INSPECTOR_TOKEN (default: 127.0.0.1)',
      },
      { flags: '--allow-actions', summary: 'lets the page cancel, retry, signal and so on' },
      { flags: '--ingest', summary: 'lets programs show their XState actors there' },
    ],
    load: async () => (await import('./commands/inspect.ts')).inspect,
  },
  {
    usage: 'init [folder]',
    summary: 'writes a first project into an empty folder: typed steps, SQLite, tests, a docket.config.ts',
    options: [
      {
        flags: '--docket <source>',
        summary: 'what its package.json has for docket (default: where this one came from)',
      },
    ],
    load: async () => (await import('./commands/init.ts')).init,
  },
  {
    usage: 'migrate',
    summary: 'brings the tables of a store, and of an engine on PostgreSQL, up to date',
    options: [
      { flags: '--check', summary: 'says whether they are, and changes nothing; exits with 4 where they are not' },
      { flags: '--engine <url>', summary: 'where BullMQ keeps its jobs: postgres://…' },
      yes,
    ],
    load: async () => (await import('./commands/migrate.ts')).migrate,
  },
  {
    usage: 'doctor',
    summary:
      'looks for what is set up wrong: Node, store, engine, clocks, and what stands still; exits with 4 where it finds a problem',
    options: [
      {
        flags: '--against <file>',
        summary: 'compares the graphs that this file exports with what is stored, before they are deployed',
      },
    ],
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    usage: 'completion <shell>',
    summary: 'prints what completes commands and options in bash, zsh or fish',
    load: async () => {
      const { completion } = await import('./commands/completion.ts')
      return (call) => completion(call, { commands, globalOptions })
    },
  },
]

/** What every command takes. */
export const globalOptions: readonly OptionSpec[] = [
  { flags: '-c, --config <path>', summary: 'the docket.config.ts (default: the nearest one here or above)' },
  {
    flags: '--store <url>',
    summary:
      'looks at a store without the graphs’ code: sqlite:FILE, postgres://…, mysql://…, redis://…, or redis://NODE,NODE for a cluster (or DOCKET_STORE)',
  },
  { flags: '--schema <name>', summary: 'of --store postgres://…: the schema of the tables' },
  { flags: '--prefix <name>', summary: 'of --store mysql://… and redis://…: what names begin with' },
  { flags: '--json', summary: 'results as JSON: one object, lists a line each' },
  {
    flags: '--timeout <duration>',
    summary: 'how long the store has to answer first (default: 5s)',
    read: readDuration,
  },
]

/** All commands of `docket`. */
export const commands: readonly CommandSpec[] = [
  ...runCommands,
  ...lookCommands,
  ...actCommands,
  ...scheduleCommands,
  ...queueCommands,
  ...otherCommands,
]
