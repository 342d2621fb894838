import type { ExecutionRow, ExecutionView, StepView } from '../../../src/inspector/protocol.ts'
import type { World } from './fake-server.ts'
import { fleet } from './fleet.ts'
import { mailboxes } from './mailboxes.ts'
import { hostileNames, hostileSteps, manySteps } from './hard-plans.ts'
import { packing } from './packing.ts'
import { ago, stepView } from './step-views.ts'

const minute = 60_000

/** An execution that runs, with what differs. */
function executionView(id: string, more: Partial<ExecutionView> = {}): ExecutionView {
  return {
    id,
    graph: 'orders',
    target: 'Shipment',
    status: 'running',
    queue: 'default',
    createdAt: ago(2 * minute),
    startedAt: ago(2 * minute - 400),
    owner: 'worker-7f3a',
    incompatible: [],
    kind: 'execution',
    situation: 'worker-7f3a runs it.',
    headers: { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' },
    inputs: [
      { type: 'Order', isSensitive: false },
      { type: 'CardNumber', isSensitive: true },
    ],
    steps: [],
    children: [],
    acts: [],
    seq: 1,
    ...more,
  }
}

/** The same, of one that has not begun. */
function notBegun(id: string, more: Partial<ExecutionView>): ExecutionView {
  const { startedAt: _, owner: __, ...view } = executionView(id, more)
  return view
}

/** A time of the order, in milliseconds after it was started. */
function at(ms: number): string {
  return ago(2 * minute - ms)
}

/** An order on its way: something completed, something cached, something retried, something that waits. */
function orderSteps(end: 'running' | 'failed' | 'waiting'): readonly StepView[] {
  const attempt = (number: number, from: number, to: number | undefined, message?: string) => ({
    attempt: number,
    startedAt: at(from),
    ...(to !== undefined && { endedAt: at(to) }),
    owner: 'worker-7f3a',
    ...(message !== undefined && {
      error: {
        name: 'Error',
        message,
        causes: [{ name: 'FetchError', message: 'connect ECONNREFUSED 10.0.3.17:443', code: 'ECONNREFUSED' }],
      },
    }),
  })
  const isFailed = end === 'failed'
  const charge: Partial<StepView> = isFailed
    ? {
        status: 'failed',
        attempt: 3,
        queuedAt: at(2_300),
        startedAt: at(3_000),
        endedAt: at(9_000),
        error: {
          name: 'StepError',
          code: 'STEP_FAILED',
          message: 'step "ChargeCard" failed after 3 attempts: the payment provider declined the card',
          causes: [
            { name: 'PaymentError', message: 'card declined: insufficient funds', code: 'card_declined' },
            { name: 'FetchError', message: 'request to https://pay.example.com/v1/charges failed' },
          ],
        },
        attempts: [
          attempt(1, 3_000, 3_900, 'the payment provider did not answer'),
          attempt(2, 5_000, 5_700, 'the payment provider did not answer'),
          attempt(3, 8_000, 9_000, 'card declined: insufficient funds'),
        ],
      }
    : {
        status: 'completed',
        attempt: 2,
        queuedAt: at(2_300),
        startedAt: at(3_000),
        endedAt: at(5_700),
        attempts: [attempt(1, 3_000, 3_900, 'the payment provider did not answer'), attempt(2, 5_000, 5_700)],
      }
  const work = (from: number, to: number, queued: number): Partial<StepView> => ({
    queuedAt: at(queued),
    startedAt: at(from),
    endedAt: at(to),
    attempts: [attempt(1, from, to)],
  })
  const after = (more: Partial<StepView>): Partial<StepView> =>
    isFailed ? { status: 'skipped', attempt: 0, attempts: [] } : more
  return [
    stepView('FetchCustomer', work(420, 1_150, 400)),
    stepView('FetchPrices', { status: 'cached', startedAt: at(410), endedAt: at(412), attempts: [] }),
    stepView('CheckStock', { ...work(900, 2_250, 400), dependsOn: [] }),
    stepView('PriceOrder', { ...work(1_200, 1_420, 1_150), dependsOn: ['FetchCustomer', 'FetchPrices'] }),
    stepView('ChargeCard', { ...charge, dependsOn: ['PriceOrder', 'CheckStock'] }),
    stepView('SendReceipt', { ...after(work(5_800, 6_300, 5_700)), dependsOn: ['ChargeCard', 'FetchCustomer'] }),
    stepView('Approval', {
      kind: 'signal',
      dependsOn: ['ChargeCard'],
      ...after(
        end === 'waiting'
          ? {
              status: 'waiting',
              startedAt: at(5_750),
              dueAt: ago(-2 * 86_400_000),
              waitsFor: 'signal Approval',
              attempts: [attempt(1, 5_750, undefined)],
            }
          : work(5_750, 90_000, 5_700),
      ),
      output: { type: 'Approval', isSensitive: false },
    }),
    stepView('Pack', {
      kind: 'machine',
      dependsOn: ['Approval', 'CheckStock'],
      ...after(
        end === 'waiting'
          ? { status: 'pending', attempt: 0, attempts: [] }
          : {
              status: 'running',
              startedAt: at(90_100),
              queuedAt: at(90_000),
              attempts: [attempt(1, 90_100, undefined)],
            },
      ),
    }),
    stepView('Ship', { status: isFailed ? 'skipped' : 'pending', attempt: 0, dependsOn: ['Pack', 'SendReceipt'] }),
  ]
}

/** A hundred and more executions of every status. */
function manyRows(count: number): ExecutionRow[] {
  const statuses = [
    'running',
    'completed',
    'completed',
    'completed',
    'waiting',
    'failed',
    'pending',
    'cancelled',
  ] as const
  const graphs = [
    ['orders', 'Shipment'],
    ['nightly-report', 'Report'],
    ['onboarding', 'WelcomeSent'],
    ['thumbnails', 'Thumbnails'],
  ] as const
  return Array.from({ length: count }, (_, index): ExecutionRow => {
    const status = statuses[(index * 7 + (index >> 3)) % statuses.length]!
    const [graph, target] = graphs[index % graphs.length]!
    const created = index * 37_000 + 1_500
    const hasEnded = ['completed', 'failed', 'cancelled'].includes(status)
    return {
      id: `${graph.slice(0, 3)}_${(0x9f3a_71c2 - index * 7_919).toString(36)}${index}`,
      graph,
      target,
      status,
      queue: index % 5 === 0 ? 'bulk' : 'default',
      ...(index % 6 === 0 && { key: `customer-${(index * 13) % 97}` }),
      createdAt: ago(created),
      ...(status !== 'pending' && { startedAt: ago(created - 300) }),
      ...(hasEnded && { endedAt: ago(Math.max(0, created - 300 - ((index * 977) % 29_000))) }),
      ...(status === 'running' && { owner: `worker-${index % 4}` }),
      ...(status === 'failed' && {
        error: {
          name: 'StepError',
          code: index % 3 === 0 ? 'STEP_TIMEOUT' : 'STEP_FAILED',
          message: 'step "ChargeCard" failed after 3 attempts: the payment provider declined the card',
        },
      }),
      incompatible: [],
    }
  })
}

const checkout = {
  id: '1/x:0',
  name: 'checkout',
  isMachine: true,
  status: 'active',
  at: ago(4_000),
  isConnected: true,
}
const drawn = {
  definition: packing,
  value: { packing: 'boxing' },
  context: '{"items":3}',
  events: [{ type: 'PICKED', at: ago(4_000) }],
}

/** A docket in the middle of its work. */
export function busyWorld(): World {
  const rows = manyRows(1_240)
  const failed = executionView('ord_failed', {
    status: 'failed',
    endedAt: ago(2 * minute - 9_050),
    situation: 'It failed.',
    error: {
      name: 'StepError',
      code: 'STEP_FAILED',
      message: 'step "ChargeCard" failed after 3 attempts: the payment provider declined the card',
      causes: [{ name: 'PaymentError', message: 'card declined: insufficient funds', code: 'card_declined' }],
    },
    steps: orderSteps('failed'),
    acts: [{ at: ago(30_000), by: 'ada', act: 'retry', note: 'the provider was down' }],
  })
  const views: readonly ExecutionView[] = [
    failed,
    executionView('ord_running', {
      steps: orderSteps('running'),
      children: [{ id: 'shp_child', graph: 'shipping', target: 'Parcel', status: 'running', step: 'Ship' }],
      output: { type: 'Shipment', isSensitive: false },
    }),
    executionView('ord_waiting', {
      status: 'waiting',
      situation: 'It waits for signal "Approval", in no process.',
      steps: orderSteps('waiting'),
    }),
    executionView('batch', {
      kind: 'batch',
      graph: 'thumbnails',
      target: 'Thumbnail',
      items: { total: 400, completed: 352, failed: 3, running: 45 },
      steps: batchSteps(400),
    }),
    executionView('fan', { graph: 'fan-out', target: 'Total', steps: fanSteps(60) }),
    executionView('hostile', { graph: hostileNames[0]!, target: hostileNames[3]!, steps: hostileSteps() }),
    executionView('many', { graph: 'features', target: 'Features', steps: manySteps(10_000) }),
    notBegun('planned', {
      status: 'pending',
      steps: orderSteps('waiting').map(({ step, kind, dependsOn }) =>
        stepView(step, { kind: kind!, dependsOn, status: 'pending', attempt: 0 }),
      ),
    }),
  ]
  return {
    about: {
      name: 'shop',
      store: 'postgres',
      version: '0.1.0',
      allowsActions: true,
      isLive: true,
      graphs: [
        { name: 'orders', targets: ['Shipment', 'Receipt'] },
        { name: 'nightly-report', targets: ['Report'] },
      ],
      takesForeign: true,
    },
    rows,
    views: new Map(views.map((view) => [view.id, view])),
    mailboxes,
    fleet,
    foreign: { actors: [checkout], chosen: { ...checkout, ...drawn }, seq: 1 },
    machines: new Map([['Pack', { definition: packing, value: { packing: 'boxing' } }]]),
    values: new Map([
      [
        'Order',
        {
          type: 'Order',
          text: '{\n  "id": "ord_1",\n  "items": ["tea", "honey"]\n}',
          bytes: 44,
          isCut: false,
          isSensitive: false,
        },
      ],
      [
        'PriceOrder',
        { type: 'PriceOrderOutput', text: '{\n  "total": 20\n}', bytes: 17, isCut: false, isSensitive: false },
      ],
      [
        'FetchCustomer',
        {
          type: 'FetchCustomerOutput',
          text: '"<img src=x onerror=alert(1)>"',
          bytes: 20_000_000,
          isCut: true,
          isSensitive: false,
        },
      ],
    ]),
    form: {
      inputs: [
        { type: 'Order', isOptional: false, example: { id: 'ord_1', items: ['tea'] } },
        { type: 'Discount', isOptional: true, example: 5 },
      ],
    },
    why: (id, step) =>
      whyText(
        views.find((view) => view.id === id)!,
        step,
      ),
    act: (act) =>
      'ids' in act
        ? {
            outcomes: act.ids.map((one, index) =>
              index % 5 === 4 ? { id: one, isDone: false, text: 'it has ended' } : { id: one, isDone: true },
            ),
          }
        : {
            outcomes: [
              {
                id: 'id' in act ? (act.id ?? 'new') : 'done',
                isDone: true,
                ...(act.act === 'start' || act.act === 'fork' ? { newId: 'ord_running' } : {}),
              },
            ],
          },
  }
}

/** What the real answer is like, for what these executions are. */
function whyText({ id, status, steps }: ExecutionView, step: string | undefined): string {
  const failed = steps.find((one) => one.status === 'failed')
  if (step === undefined) {
    if (status === 'failed') return `execution "${id}" failed: step "${failed?.step}" failed in its last attempt`
    if (status === 'waiting') return `execution "${id}" waits: step "Approval" waits for a signal`
    const open = steps.filter((one) => one.status === 'running').length
    return `execution "${id}" runs; ${open} of its steps run`
  }
  const found = steps.find((one) => one.step === step)
  switch (found?.status) {
    case 'failed':
      return `step "${step}" failed in attempt ${found.attempt}, its last one`
    case 'skipped':
      return `step "${step}" was skipped: an input of it never came, since step "${failed?.step}" failed`
    case 'pending':
      return `step "${step}" waits for its inputs`
    case 'waiting':
      return `step "${step}" waits for a value from outside`
    case 'cached':
      return `step "${step}" did not run: its value was remembered`
    case 'running':
      return `step "${step}" runs since ${found.startedAt}`
    default:
      return `step "${step}" has its value`
  }
}

function batchSteps(items: number): readonly StepView[] {
  return Array.from({ length: items }, (_, index) => `img-${index}`).flatMap((item, index) => {
    const status = index < 352 ? 'completed' : index < 355 ? 'failed' : 'running'
    return [
      stepView('Load', { item, startedAt: ago(60_000 - index * 50), endedAt: ago(59_000 - index * 50) }),
      stepView('Resize', { item, status, dependsOn: ['Load'], startedAt: ago(59_000 - index * 50) }),
      stepView('Store', { item, status: status === 'completed' ? 'completed' : 'pending', dependsOn: ['Resize'] }),
    ]
  })
}

function fanSteps(count: number): readonly StepView[] {
  const names = Array.from({ length: count }, (_, index) => `Fetch page ${index}`)
  return [
    stepView('List'),
    ...names.map((name, index) =>
      stepView(name, { dependsOn: ['List'], status: index < 40 ? 'completed' : index < 45 ? 'failed' : 'running' }),
    ),
    stepView('Total', { dependsOn: names, status: 'pending', attempt: 0 }),
  ]
}
