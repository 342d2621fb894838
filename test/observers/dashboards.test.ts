import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { metricDefinitions } from '../../src/observers/metrics/definitions.ts'
import type { MetricDefinition } from '../../src/observers/metrics/definitions.ts'

const folder = join(import.meta.dirname, '../../docs/observability')
const dashboardText = readFileSync(join(folder, 'grafana-dashboard.json'), 'utf8')
const rulesText = readFileSync(join(folder, 'prometheus-rules.yml'), 'utf8')

interface Dashboard {
  readonly id?: unknown
  readonly uid: string
  readonly ['__inputs']: readonly { readonly name: string; readonly type: string }[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: { readonly query: string } }[]
  }
  readonly panels: readonly {
    readonly id: number
    readonly title: string
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
    readonly targets?: readonly {
      readonly expr: string
      readonly datasource: { readonly uid: string }
      readonly legendFormat: string
    }[]
  }[]
}
const dashboard = JSON.parse(dashboardText) as Dashboard
const targets = dashboard.panels.flatMap(({ title, targets: of = [] }) => of.map((target) => ({ title, ...target })))

const exported: ReadonlyMap<string, { readonly of: MetricDefinition; readonly labels: readonly string[] }> = new Map(
  Object.values(metricDefinitions).flatMap((of) => {
    const { name, type, labels } = of
    if (type !== 'histogram') return [[name, { of, labels }] as const]
    return [
      [`${name}_bucket`, { of, labels: [...labels, 'le'] }] as const,
      [`${name}_sum`, { of, labels }] as const,
      [`${name}_count`, { of, labels }] as const,
    ]
  }),
)

const words = new Set('sum max by rate increase histogram_quantile topk and or unless on label_values'.split(' '))

/** What is wrong with an expression: names that nothing exports, labels that a metric does not have, words that are no PromQL of ours. */
function problemsOf(expression: string): readonly string[] {
  const problems: string[] = []
  const used: string[] = []
  const withoutSelectors = expression.replaceAll(/(docket_\w+)(?:\{([^}]*)\})?/g, (_, name: string, inner = '') => {
    const metric = exported.get(name)
    if (metric === undefined) problems.push(`nothing exports ${name}`)
    for (const matcher of String(inner).split(/,\s*/).filter(Boolean)) {
      const [, label = matcher] = /^(\w+)(?:=~|!~|!=|=)"[^"]*"$/.exec(matcher) ?? []
      if (metric?.labels.includes(label) === false) problems.push(`${name} has no label ${label}`)
    }
    used.push(...(metric?.labels ?? []))
    return '1'
  })
  const rest = withoutSelectors.replaceAll(
    /\bby \(([^)]*)\)|label_values\(1, (\w+)\)/g,
    (_, by?: string, one?: string) => {
      for (const label of (by ?? one ?? '').split(/,\s*/))
        if (!used.includes(label)) problems.push(`nothing in it has the label ${label}`)
      return ''
    },
  )
  for (const [word] of rest.replaceAll(/\[[^\]]*\]/g, '').matchAll(/[a-z_]\w*/gi))
    if (!words.has(word)) problems.push(`unknown: ${word}`)
  const opened = [...expression].reduce((open, one) => open + (one === '(' ? 1 : one === ')' ? -1 : 0), 0)
  if (opened !== 0) problems.push('parentheses')
  return problems
}

test('the check finds what is wrong', () => {
  expect(problemsOf('sum by (graph) (rate(docket_executions_started_total{graph=~"x"}[5m]))')).toEqual([])
  expect(problemsOf('docket_executions_begun_total')).toEqual(['nothing exports docket_executions_begun_total'])
  expect(problemsOf('docket_step_duration_seconds')).toEqual(['nothing exports docket_step_duration_seconds'])
  expect(problemsOf('docket_queue_ready{graph="x"}')).toEqual(['docket_queue_ready has no label graph'])
  expect(problemsOf('sum by (step) (docket_queue_ready)')).toEqual(['nothing in it has the label step'])
  expect(problemsOf('summ(docket_queue_ready)')).toEqual(['unknown: summ'])
})

describe('the dashboard for Grafana', () => {
  test('can be imported anywhere: it asks for its data source, and has an address and no number of its own', () => {
    expect(dashboard['__inputs']).toMatchObject([{ name: 'DS_PROMETHEUS', type: 'datasource' }])
    expect(Object.hasOwn(dashboard, 'id')).toBe(false)
    expect(dashboard.uid).toBe('docket-overview')
    for (const { datasource } of targets) expect(datasource.uid).toBe('${DS_PROMETHEUS}')
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['graph', 'queue'])
  })

  test.each(targets)('shows what is exported: $title, $legendFormat', ({ expr }) => {
    expect(problemsOf(expr)).toEqual([])
  })

  test.each(dashboard.templating.list)('lets choose among what is exported: $name', ({ query }) => {
    expect(problemsOf(query.query)).toEqual([])
  })

  test('shows every metric', () => {
    const shown = targets.map(({ expr }) => expr).join(' ')
    expect(Object.values(metricDefinitions).filter(({ name }) => !shown.includes(name))).toEqual([])
  })

  test('has panels with numbers of their own that do not lie on each other', () => {
    const { panels } = dashboard
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24)
  })
})

describe('the alerts for Prometheus', () => {
  const rules = rulesText
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((text) => {
      const [name = '', ...lines] = text.trimEnd().split('\n')
      const valueOf = (key: string): string => {
        const [line, ...more] = lines.filter((one) => one.trimStart().startsWith(`${key}: `))
        if (line === undefined || more.length > 0) throw new Error(`${name} has no ${key}, or two`)
        return line.slice(line.indexOf(': ') + 2).replace(/^(['"])(.*)\1$/, '$2')
      }
      return {
        name,
        expr: valueOf('expr'),
        for: valueOf('for'),
        severity: valueOf('severity'),
        summary: valueOf('summary'),
        description: valueOf('description'),
      }
    })

  test('are there for what is stuck, fails, piles up, is lost, does not fit, and for the store', () => {
    expect(rules.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'DocketStuck',
        'DocketExecutionsFail',
        'DocketBacklog',
        'DocketLeaseLosses',
        'DocketIncompatible',
        'DocketStoreErrors',
      ]),
    )
    expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length)
  })

  test.each(rules)('$name looks at what is exported', ({ expr, summary, description, ...rule }) => {
    expect(problemsOf(expr)).toEqual([])
    expect(rule.for).toMatch(/^\d+[mh]$/)
    expect(['warning', 'critical']).toContain(rule.severity)
    const by = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(', '))
    for (const [, label] of summary.matchAll(/\$labels\.(\w+)/g)) expect(by).toContain(label)
    for (const [name] of description.matchAll(/docket_\w+/g))
      expect(Object.values(metricDefinitions).map((one) => one.name)).toContain(name)
  })
})
