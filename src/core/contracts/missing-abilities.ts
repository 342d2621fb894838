import type { Store } from './store.ts'

type MethodOf<Contract> = {
  [Name in keyof Contract]-?: undefined extends Contract[Name]
    ? never
    : Contract[Name] extends (...args: never) => unknown
      ? Name
      : never
}[keyof Contract]

/** Every method that a store must have. */
const methods: Readonly<Record<MethodOf<Store>, true>> = {
  open: true,
  close: true,
  renewOwner: true,
  endOwner: true,
  readOwners: true,
  readWorkers: true,
  create: true,
  commit: true,
  acquire: true,
  get: true,
  list: true,
  count: true,
  overdue: true,
  readSteps: true,
  delete: true,
  purge: true,
  post: true,
  readMail: true,
  readReceipts: true,
  listMail: true,
  readOutbox: true,
  confirmOutbox: true,
  emit: true,
  awaitEvents: true,
  endWaits: true,
  undelivered: true,
  delivered: true,
  oldWaits: true,
  purgeEvents: true,
  addActs: true,
  listActs: true,
  purgeActs: true,
  addSchedules: true,
  changeSchedules: true,
  getSchedules: true,
  listSchedules: true,
  nextSchedule: true,
  takeSchedules: true,
  deleteSchedules: true,
  readShared: true,
  writeShared: true,
  oldShared: true,
  readQueues: true,
  changeQueues: true,
  queueNames: true,
  backlog: true,
  readyKeys: true,
  getResults: true,
  claimResults: true,
  commitResults: true,
  purgeResults: true,
}

/** The methods that something lacks which is to be a store; those that a store may leave out are not among them. */
export function missingAbilitiesOf(store: object): readonly string[] {
  return Object.keys(methods).filter((name) => typeof Reflect.get(store, name) !== 'function')
}
