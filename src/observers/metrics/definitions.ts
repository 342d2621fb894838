/** What one metric is called, and what it is about. */
export interface MetricDefinition {
  /** As Prometheus has it: with unit, and `_total` where it only grows. */
  readonly name: string
  /** What it says, for people. */
  readonly help: string
  /** Whether it only grows, goes up and down, or counts observations by size. */
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Names of its labels. */
  readonly labels: readonly string[]
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: readonly number[]
}

const second = 1
const minute = 60 * second
const hour = 60 * minute
const ofSteps = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, minute]
const ofLongWaits = [minute, 5 * minute, 15 * minute, hour, 6 * hour, 24 * hour]
const ofExecutions = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, ...ofLongWaits]
const ofCalls = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const ofBlocks = [0.1, 0.5, 1, 2.5, 5, 10, 30, minute, 5 * minute]
const ofWaits = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, ...ofLongWaits]

function counter(name: string, help: string, labels: string): MetricDefinition {
  return { name, help, type: 'counter', labels: labels.split(' ') }
}

function gauge(name: string, help: string, labels: string): MetricDefinition {
  return { name, help, type: 'gauge', labels: labels.split(' ') }
}

function histogram(name: string, help: string, buckets: readonly number[], labels?: string): MetricDefinition {
  return { name, help, type: 'histogram', labels: labels?.split(' ') ?? [], buckets }
}

/** All metrics. Labels come from what programs declare: never ids, items, keys or messages, of which there is no end. */
export const metricDefinitions = {
  started: counter('docket_executions_started_total', 'Executions that began.', 'graph target'),
  ended: counter(
    'docket_executions_ended_total',
    'Executions that ended here, by how.',
    'graph target status error_code',
  ),
  duration: histogram(
    'docket_execution_duration_seconds',
    'From the first beginning of an execution to its end, whoever ran it.',
    ofExecutions,
    'graph target status',
  ),
  running: gauge('docket_executions_running', 'Executions that live in this process.', 'graph target'),
  attempts: counter('docket_step_attempts_total', 'Attempts of steps that came to an outcome.', 'graph step outcome'),
  stepDuration: histogram(
    'docket_step_duration_seconds',
    'From the beginning of a step to its end, waits and all attempts included.',
    ofSteps,
    'graph step status',
  ),
  retries: counter('docket_step_retries_total', 'Further attempts that were planned.', 'graph step'),
  cacheLookups: counter('docket_cache_lookups_total', 'Looks for remembered results.', 'graph step scope result'),
  resumes: counter('docket_resumes_total', 'Executions that another process had, and that go on here.', 'graph after'),
  leaseLosses: counter('docket_lease_losses_total', 'Executions that this process lost to others.', 'graph'),
  incompatible: counter(
    'docket_incompatible_total',
    'Executions that were left to others, since their records do not fit this version of the graph.',
    'graph',
  ),
  loopBlocked: histogram(
    'docket_loop_blocked_seconds',
    'For how long something kept the event loop from turning, where that was longer than the lease allows.',
    ofBlocks,
  ),
  storeCalls: histogram('docket_store_call_seconds', 'How long calls of the store take.', ofCalls, 'operation'),
  storeErrors: counter('docket_store_errors_total', 'Calls of the store that failed.', 'operation error_code'),
  queueWait: histogram(
    'docket_queue_wait_seconds',
    'From when an execution could begin to when a process began it.',
    ofWaits,
    'queue',
  ),
  wakes: counter('docket_wakes_total', 'Times that an engine brought this process to look for work.', 'queue result'),
  scheduleMissed: counter(
    'docket_schedule_missed_total',
    'Nominal times of schedules that came to nothing, since nobody was there.',
    'graph target',
  ),
  scheduleLag: histogram(
    'docket_schedule_lag_seconds',
    'From a nominal time of a schedule to when its execution was started.',
    ofWaits,
    'graph target',
  ),
  queueReady: gauge(
    'docket_queue_ready',
    'Executions of a queue that a process could go on with now, up to 10000: the same in all processes.',
    'queue',
  ),
  queueOldest: gauge(
    'docket_queue_oldest_ready_seconds',
    'For how long the oldest of these has been there: the same in all processes.',
    'queue',
  ),
  slots: gauge(
    'docket_worker_slots',
    'Slots of all processes that live, busy and free: the same in all processes.',
    'queue state',
  ),
  timersOverdue: gauge(
    'docket_timers_overdue',
    'Executions that wait for a time that has come: the same in all processes.',
    'queue',
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>

/** The name of a metric in this package. */
export type MetricKey = keyof typeof metricDefinitions

/** Those that are read of the store when they are looked at. */
export const fleetMetrics = [
  'queueReady',
  'queueOldest',
  'slots',
  'timersOverdue',
] as const satisfies readonly MetricKey[]
