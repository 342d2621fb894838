import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { expect, test } from 'vitest'
import { execute, graph, step } from '../../src/index.ts'
import type { ExecutionEvent } from '../../src/index.ts'
import { metricDefinitions } from '../../src/observers/metrics/definitions.ts'
import { openTelemetryObserver } from '../../src/observers/open-telemetry.ts'
import { World } from '../durable/durable-time.ts'
import { expectNoUnhandledErrors, number } from '../loose-api.ts'

expectNoUnhandledErrors()

const Leaf = number('Leaf')
const Target = number('Target')
const orders = graph({
  name: 'orders',
  steps: [
    step({ name: 'Work', inputs: { leaf: Leaf }, output: Target, persist: 'execution', run: ({ leaf }) => leaf }),
  ],
})

const nameOf = (name: string): string => name.replace(/_total$|_seconds$/, '').replaceAll('_', '.')

test('a meter gets what Prometheus gets, under the names of OpenTelemetry, once for each meter', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const meter = new MeterProvider({ readers: [reader] }).getMeter('test')
  const world = new World()
  const observers = [openTelemetryObserver({ meter }), openTelemetryObserver({ meter })]
  const docket = world.process({ graphs: [orders], observers, work: { default: 3 } })
  await world.clock.settle(docket.execute(orders, Target, { Leaf: 1 }, { id: 'a' }))
  await reader.forceFlush()
  const found = new Map(
    exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
      .map(({ descriptor, dataPoints }) => [descriptor.name, { unit: descriptor.unit, dataPoints }]),
  )
  const all = Object.values(metricDefinitions).map(({ name }) => nameOf(name))
  expect(all).toEqual(expect.arrayContaining([...found.keys()]))
  expect(found.get('docket.executions.started')?.dataPoints).toMatchObject([
    { value: 1, attributes: { graph: 'orders', target: 'Target' } },
  ])
  expect(found.get('docket.executions.ended')?.dataPoints).toMatchObject([
    { value: 1, attributes: { graph: 'orders', target: 'Target', status: 'completed' } },
  ])
  const duration = found.get('docket.step.duration')
  expect(duration?.unit).toBe('s')
  expect(duration?.dataPoints).toMatchObject([{ value: { count: 1 }, attributes: { step: 'Work' } }])
  const { buckets } = duration!.dataPoints[0]!.value as { readonly buckets: { readonly boundaries: readonly number[] } }
  expect(buckets.boundaries).toEqual(metricDefinitions.stepDuration.buckets)
  expect(found.get('docket.worker.slots')?.dataPoints).toMatchObject([
    { value: 0, attributes: { queue: 'default', state: 'busy' } },
    { value: 3, attributes: { queue: 'default', state: 'free' } },
  ])
  expect(found.get('docket.queue.oldest.ready')?.unit).toBe('s')
  await reader.shutdown()
})

test('of what is not traced, events that are not counted are not made', async () => {
  const meter = new MeterProvider({ readers: [] }).getMeter('test')
  const seen: string[] = []
  const doesWithout = ['step.started', 'attempt.started'] as const
  const beside = { next: ({ type }: ExecutionEvent): void => void seen.push(type), doesWithout }
  await execute(orders, Target, { Leaf: 1 }, { observers: [openTelemetryObserver({ meter }), beside] })
  expect(seen).toEqual(['execution.started', 'step.ended', 'execution.ended'])
})
