import './runtime/require-node.ts'

export { exponential, fixed } from './core/backoff.ts'
export { all, dataType, optional, type } from './core/data-type.ts'
export {
  AbortExecutionError,
  DocketError,
  errorCodes,
  ExecutionCancelledError,
  ExecutionConflictError,
  ExecutionTimeoutError,
  GraphError,
  InputError,
  LeaseLostError,
  NonRetryableError,
  OptionError,
  SerializationError,
  StepError,
  StepTimeoutError,
  StoreError,
} from './core/errors.ts'
export { graph, untypedGraph } from './core/graph.ts'
export { step } from './core/step.ts'
export { createDocket } from './runtime/durable/docket.ts'
export { executeBatch } from './runtime/execute-batch.ts'
export { execute } from './runtime/execute.ts'
export { explain } from './runtime/explain.ts'
export { fromGraph } from './runtime/from-graph.ts'
export { streamBatch } from './runtime/stream-batch.ts'

export type { ExponentialOptions } from './core/backoff.ts'
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
} from './core/data-type.ts'
export type { Duration } from './core/duration.ts'
export type { ErrorCode, ErrorPlace, GraphProblem, InputIssue } from './core/errors.ts'
export type { ExecutionEvent } from './core/events.ts'
export type { ExplainedLeaf, ExplainedPlan, ExplainedStep } from './core/explained-plan.ts'
export type { Graph, InputsOf, OnError, Outcome, TargetOf } from './core/graph.ts'
export type { AnyGraph, StepDefaults } from './core/graph-index.ts'
export type { Logger } from './core/logger.ts'
export type { Observer } from './core/observer.ts'
export type { Backoff, ConcurrencyPolicy, PersistPolicy, PersistScope, RetryPolicy } from './core/policy.ts'
export type { AnyStep, Step, StepContext, TypedStep } from './core/step.ts'
export type {
  AcquiredExecution,
  AcquireRequest,
  ExecutionCommit,
  ExecutionQuery,
  ExecutionRecord,
  HeadChange,
  Message,
  NewExecution,
  NewMessage,
  ResultClaim,
  ResultCommit,
  ResultState,
  StepPage,
  StepRecord,
  Store,
  StoreCapabilities,
  StoredValue,
  StoreHint,
  ValueFormat,
} from './core/store.ts'
export type { BatchOptions, StreamOptions } from './runtime/batch-options.ts'
export type { Clock } from './runtime/clock.ts'
export type { StepView } from './runtime/execution-journal.ts'
export type { Docket, ExecutionPage, ListQuery } from './runtime/durable/docket.ts'
export type { DocketOptions } from './runtime/durable/docket-options.ts'
export type { StartOptions } from './runtime/durable/execution-request.ts'
export type { ExecutionHandle } from './runtime/durable/execution-handle.ts'
export type { ExecutionDetails, ExecutionInfo, StepInfo } from './runtime/durable/execution-info.ts'
export type { MigratableExecution, MigratableStep, MigrateHook } from './runtime/durable/migrate-records.ts'
export type { ExecuteOptions } from './runtime/execution-options.ts'
export type {
  ExecutionContext,
  ExecutionSnapshot,
  ExecutionStatus,
  StepActorRef,
} from './runtime/execution-snapshot.ts'
export type { ExplainOptions } from './runtime/explain.ts'
export type { GraphLogic, LogicOptions } from './runtime/from-graph.ts'
