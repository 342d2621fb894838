export { storeConformance } from './conformance/index.ts'
export type {
  InterruptibleSpace,
  StoreConformanceOptions,
  StoreSpace,
  StoreTransaction,
  TestFramework,
} from './conformance/index.ts'
export { VirtualClock } from './virtual-clock.ts'
