import './core/require-node.ts'

export { exponential, fixed } from './core/language/backoff.ts'
export { all, dataType, optional, type } from './core/language/data-type.ts'
export {
  AbortExecutionError,
  CompensationError,
  DeadlockError,
  DocketClosedError,
  ExecutionCancelledError,
  ExecutionConflictError,
  ExecutionExpiredError,
  ExecutionTimeoutError,
  GraphError,
  InputError,
  LeaseLostError,
  NonRetryableError,
  OptionError,
  QueryError,
  RaceLostError,
  RefusedError,
  RerunMismatchError,
  SerializationError,
  StepError,
  StepSkippedError,
  StepTimeoutError,
  StoreError,
} from './core/errors.ts'
export { DocketError, errorCodes } from './core/docket-error.ts'
export { EngineError } from './core/engine-error.ts'
export { durableStep } from './runtime/kinds/durable-step.ts'
export { graph, untypedGraph } from './core/graph/graph.ts'
export { defineSteps } from './runtime/kinds/define-steps.ts'
export { subgraph } from './core/graph/subgraph.ts'
export { event } from './runtime/kinds/event.ts'
export { eventType } from './core/language/event-type.ts'
export { update } from './core/language/update.ts'
export { machineStep } from './runtime/kinds/machine-step.ts'
export { race } from './core/language/race.ts'
export { step } from './core/language/step.ts'
export { untypedWorkflow, workflow } from './core/drawn/workflow.ts'
export { resultsLike, resultsOfType } from './core/drawn/results.ts'
export { signal } from './runtime/kinds/signal.ts'
export { signalEvent } from './core/language/signal.ts'
export { timer } from './runtime/kinds/timer.ts'
export { value } from './core/language/value.ts'
export { schedule } from './durable/schedules/schedule-declaration.ts'
export { createDocket } from './durable/docket.ts'
export { incompatibleWith } from './durable/incompatible-with.ts'
export { executeBatch } from './runtime/execute-batch.ts'
export { execute } from './runtime/execute.ts'
export { explain } from './runtime/explain.ts'
export { fromGraph } from './runtime/from-graph.ts'
export { invocationOf } from './runtime/steps/machine-invocation.ts'
export { parseInputs } from './runtime/parse-inputs.ts'
export { streamBatch } from './runtime/stream-batch.ts'

export type { ExponentialOptions } from './core/language/backoff.ts'
export type {
  AllPort,
  ConvertingDataType,
  DataType,
  DataTypeOptions,
  GivenOf,
  OptionalPort,
  TypedDataType,
  Unchecked,
  ValueOf,
} from './core/language/data-type.ts'
export type { Compensate, CompensateContext, CompensatePolicy } from './core/language/compensation.ts'
export type { Duration } from './core/duration.ts'
export type { GraphProblem, InputIssue } from './core/errors.ts'
export type { AppOf } from './core/graph/app-types.ts'
export type { StepDeclarers } from './core/graph/define-steps.ts'
export type { ErrorCode, ErrorPlace } from './core/docket-error.ts'
export type { ActRecorded } from './core/contracts/act-events.ts'
export type { ScheduleEvent } from './core/contracts/schedule-events.ts'
export type { ExecutionEvent } from './core/contracts/events.ts'
export type { ExplainedLeaf, ExplainedPlan, ExplainedStep } from './core/graph/explained-plan.ts'
export type { OnError, Outcome } from './core/graph/calls.ts'
export type { Graph, InputsOf, TargetOf, TypedGraph } from './core/graph/graph.ts'
export type { QueriesOf, QueryView } from './core/graph/queries.ts'
export type { SignalTypeOf, SignalValues } from './core/graph/signal-types.ts'
export type {
  ChildOptions,
  DurableCall,
  DurableCallOptions,
  DurableContext,
  DurableKey,
} from './core/graph/durable-context.ts'
export type { DurableStep, DurableStepDeclaration } from './core/graph/durable-step.ts'
export type { AnyWorkflow } from './core/graph/any-workflow.ts'
export type { DrawablePolicies, DrawableRetry, Placement } from './core/drawn/drawn-options.ts'
export type { ArgsOf, NodeOptions, UntypedWorkflow, Workflow, WorkflowOptions } from './core/drawn/workflow-types.ts'
export type { SubgraphOptions, SubgraphStep, SubgraphTypes } from './core/graph/subgraph.ts'
export type { AnyGraph, StepDefaults } from './core/graph/graph-index.ts'
export type {
  CancelIntercepted,
  CompensateIntercepted,
  EmitIntercepted,
  Interceptor,
  NextCall,
  QueryIntercepted,
  SignalIntercepted,
  StartIntercepted,
  StepIntercepted,
  UpdateIntercepted,
} from './core/contracts/interceptor.ts'
export type { Logger } from './core/contracts/logger.ts'
export type { ExecutionLife, LifeAttempt, LifeObserver, LifeRecord } from './core/contracts/execution-life.ts'
export type { Fleet, FleetQueue, ObservedDocket, ProcessEvent } from './core/contracts/observed-docket.ts'
export type { Observer, ObserverObject } from './core/contracts/observer.ts'
export type {
  Backoff,
  ConcurrencyPolicy,
  PersistPolicy,
  PersistScope,
  RatePolicy,
  RetryPolicy,
} from './core/language/policy.ts'
export type { EventOptions, EventStep } from './core/language/event.ts'
export type { EventType, EventTypeOptions, TypedEventType } from './core/language/event-type.ts'
export type { AnswerOf, UpdateDeclaration, UpdateType, UpdateView } from './core/language/update.ts'
export type { MachineStep, MachineStepDeclaration, MachineView } from './core/language/machine-step.ts'
export type { FirstOf, RaceStep } from './core/language/race.ts'
export type { SignalEvent, SignalOptions, SignalStep } from './core/language/signal.ts'
export type { Due, TimerStep } from './core/language/timer.ts'
export type { ValueStep } from './core/language/value.ts'
export type { AnyStep, Step, StepContext, TakesApp, TypedStep } from './core/language/step.ts'
export type {
  CommitAnswer,
  CreateAnswer,
  LockPatience,
  Store,
  StoreCapabilities,
  StoreHint,
} from './core/contracts/store.ts'
export type {
  Engine,
  EngineCapabilities,
  EngineConsumer,
  EngineHost,
  PermitOutcome,
  UsePermit,
  Wake,
} from './core/contracts/engine.ts'
export type { StoreFinding } from './core/contracts/store-finding.ts'
export type { StoreLimits } from './core/contracts/store-limits.ts'
export type { ResultClaim, ResultCommit, ResultState } from './core/contracts/result-record.ts'
export type { OwnerState } from './core/contracts/owner-state.ts'
export type {
  EmittedEvent,
  EmitVerdict,
  EventDelivery,
  EventStore,
  EventWait,
  NewEvent,
  NewEventWait,
} from './core/contracts/event-record.ts'
export type {
  ScheduleCatchUp,
  ScheduleOverlap,
  ScheduleQuery,
  ScheduleRecord,
  ScheduleRule,
  ScheduleStore,
  ScheduleTaking,
} from './core/contracts/schedule-record.ts'
export type { SharedLook, SharedState, SharedStateStore, SharedWrite } from './core/contracts/shared-state.ts'
export type { Message, NewMessage } from './core/contracts/message.ts'
export type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionCommit,
  ExecutionQuery,
  ExecutionRecord,
  HeadChange,
  NewExecution,
  StepPage,
  StepRecord,
} from './core/contracts/execution-record.ts'
export type { StoredValue, ValueFormat } from './core/contracts/stored-value.ts'
export type { BatchOptions, StreamOptions } from './runtime/batch/batch-options.ts'
export type { MachineInvocation } from './runtime/steps/machine-invocation.ts'
export type { Clock } from './runtime/environment/clock.ts'
export type { StepView, UndoView } from './runtime/execution/execution-view.ts'
export type { Docket } from './durable/docket.ts'
export type { DetailsOptions } from './durable/execution-details.ts'
export type { DocketAbout, ObserveOptions } from './durable/docket-view.ts'
export type { ExecutionPlan, PlannedStep } from './durable/execution-plan.ts'
export type { WaitQuery } from './durable/find-waiting.ts'
export type { StartOfMany, StartOutcome } from './durable/start-calls.ts'
export type { DocketHealth, HealthOptions } from './durable/docket-health.ts'
export type { EngineHealth } from './durable/engine/engine-work.ts'
export type { ActListQuery, ActPage, Acts, NewAct } from './durable/acts.ts'
export type { MailboxPage, MailboxQuery } from './durable/list-mailbox.ts'
export type { CountQuery, ExecutionCounts, StatusCount } from './durable/count-executions.ts'
export type { ExecutionPage, ListQuery } from './durable/list-executions.ts'
export type { ActInfo } from './durable/records/act-info.ts'
export type { AttemptInfo } from './durable/records/attempt-history.ts'
export type { MessageInfo } from './durable/records/message-info.ts'
export type { WorkerInfo } from './durable/records/worker-info.ts'
export type { Backfill, BackfillOptions } from './durable/schedules/backfill.ts'
export type {
  DeclaredSchedule,
  ScheduleDeclaration,
  ScheduledStartOptions,
  SchedulePolicy,
  ScheduleTiming,
} from './durable/schedules/schedule-declaration.ts'
export type { ScheduleInfo } from './durable/schedules/schedule-info.ts'
export type { ScheduleListQuery, SchedulePage, Schedules } from './durable/schedules/schedules.ts'
export type { CommandOptions } from './durable/context/command-options.ts'
export type { DocketOptions } from './durable/context/docket-options.ts'
export type {
  KeyedPlaceOptions,
  PlaceOptions,
  QueueDeclaration,
  QueueReport,
  QueueSettings,
} from './durable/context/queue-options.ts'
export type { Backlog, BacklogOptions, KeyedBacklog, QueueHandle, QueueInfo } from './durable/queue-handle.ts'
export type { StartOptions } from './durable/context/start-options.ts'
export type { ForkOptions } from './durable/start/fork-execution.ts'
export type { ExecutionHandle } from './durable/execution-handle.ts'
export type { RescheduleOptions, RescheduleVerdict } from './durable/mail/reschedule-timer.ts'
export type { TimerNameOf, TimerRef } from './core/graph/timer-names.ts'
export type { WatchOptions } from './durable/watch-value.ts'
export type { EmitOptions } from './durable/mail/emit-event.ts'
export type { LifetimeLimits } from './durable/records/stored-limits.ts'
export type { SignalCallOptions, SignalVerdict } from './durable/mail/send-signal.ts'
export type { UpdateOptions } from './durable/mail/send-update.ts'
export { RetryAfterError } from './core/retry-after-error.ts'
export type { RetryAfterOptions } from './core/retry-after-error.ts'
export { RemoteError } from './core/remote-error.ts'
export type { RemoteFailure } from './core/remote-error.ts'
export { UpdateError } from './core/update-error.ts'
export type { UpdateFailure } from './core/update-error.ts'
export type { BatchInfo, ItemInfo, ItemStatus } from './durable/records/batch-info.ts'
export type { ChildInfo } from './durable/records/child-info.ts'
export type { ExecutionDetails, ExecutionInfo } from './durable/records/execution-info.ts'
export type { StartVerdict } from './durable/start/start-keys.ts'
export { waitText } from './durable/records/wait-text.ts'
export type { CheckpointInfo, LimitInfo, StepInfo, StepWait, UndoInfo } from './durable/records/step-info.ts'
export type { LeaseInfo } from './durable/records/lease-info.ts'
export type {
  IncompatibleExecution,
  IncompatiblePage,
  IncompatibleQuery,
  UnfitExecution,
} from './durable/find-incompatible.ts'
export type { UnfitValue } from './durable/recovery/unfit-values.ts'
export type { IncompatibleReport, IncompatibleWithOptions } from './durable/incompatible-with.ts'
export type {
  ExportedExecution,
  ExportedRecord,
  ExportedValue,
  ExportOptions,
} from './durable/transfer/exported-execution.ts'
export type { MoveOutcome } from './durable/transfer/move-execution.ts'
export type { RetryOutcome, RetryPage, RetryQuery } from './durable/retry-all.ts'
export type { Why, WhyCause, WhyCode, WhyOptions } from './durable/why/why.ts'
export type {
  MigratableExecution,
  MigratableStep,
  MigratedExecution,
  MigratedStep,
  MigrateHook,
} from './durable/records/migrate-records.ts'
export type { ExecuteOptions } from './runtime/execution/execution-options.ts'
export type { ExecutionSnapshot, StepActorRef } from './runtime/actors/execution-snapshot.ts'
export type { ExecutionContext, ExecutionStatus } from './runtime/execution/execution-view.ts'
export type { ExplainOptions } from './runtime/explain.ts'
export type { GraphLogic, LogicOptions } from './runtime/from-graph.ts'
