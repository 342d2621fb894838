export { storeConformance } from './conformance/index.ts'
export type {
  InterruptibleSpace,
  StoreConformanceOptions,
  StoreSpace,
  StoreTransaction,
  TestFramework,
} from './conformance/index.ts'
export { engineConformance } from './engine-conformance/index.ts'
export type { EngineConformanceOptions, EngineSpace, InterruptibleEngineSpace } from './engine-conformance/index.ts'
export { hostileEngine } from './hostile-engine.ts'
export type { HostileEngineOptions } from './hostile-engine.ts'
export { VirtualClock } from './virtual-clock.ts'
export { createTestDocket } from './kit/test-docket.ts'
export type { TestDocket, TestDocketOptions } from './kit/test-docket.ts'
export type { EventFilter, RecordedEvents } from './kit/recorded-events.ts'
export { replaceSteps } from './kit/replace-steps.ts'
export type { StepReplacement, StepReplacements } from './kit/replace-steps.ts'
export { atEveryCommit } from './kit/every-commit.ts'
export type { EveryCommitOptions, TriedCommits } from './kit/every-commit.ts'
