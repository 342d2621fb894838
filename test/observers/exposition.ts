/** One sample of an exposition. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** What an exposition says of one metric. */
export interface Exposed {
  readonly help: string
  readonly type: string
  readonly samples: readonly Sample[]
}

const name = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const sampleForm = new RegExp(`^(${name})(?:\\{(.*)\\})? (NaN|[+-]Inf|[+-]?[0-9.]+(?:e[+-]?[0-9]+)?)$`)
const labelForm = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y

/**
 * Reads the text format of Prometheus 0.0.4, strictly: HELP and TYPE once before all samples of a metric, these together, no series twice, and of histograms
 * buckets that grow up to the one without a bound, which is the count. @throws Error
 */
export function parseExposition(text: string): ReadonlyMap<string, Exposed> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const found = new Map<string, { help: string; type: string; samples: Sample[] }>()
  const seen = new Set<string>()
  let current: string | undefined
  let help: readonly [string, string] | undefined
  for (const line of text.split('\n').filter((one) => one !== '')) {
    const [, kind, of = '', rest = ''] = new RegExp(`^# (HELP|TYPE) (${name}) (.+)$`).exec(line) ?? []
    if (kind === 'HELP') {
      if (found.has(of)) throw new Error(`${of} comes twice`)
      help = [of, rest]
    } else if (kind === 'TYPE') {
      if (help?.[0] !== of) throw new Error(`TYPE of ${of} does not follow its HELP`)
      found.set(of, { help: help[1], type: rest, samples: [] })
      current = of
    } else {
      const sample = sampleOf(line)
      const metric = found.get(current ?? '')
      const suffixes = metric?.type === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']
      if (metric === undefined || !suffixes.some((suffix) => sample.name === `${current}${suffix}`))
        throw new Error(`${sample.name} is no sample of ${current}`)
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).toSorted()])
      if (seen.size === seen.add(key).size) throw new Error(`the series ${key} comes twice`)
      metric.samples.push(sample)
    }
  }
  for (const [of, { type, samples }] of found) if (type === 'histogram') checkHistogram(of, samples)
  return found
}

function sampleOf(line: string): Sample {
  const [, of, inner = '', number] = sampleForm.exec(line) ?? []
  if (of === undefined) throw new Error(`no sample: ${line}`)
  const labels: Record<string, string> = {}
  for (labelForm.lastIndex = 0; labelForm.lastIndex < inner.length;) {
    const [, label, value] = labelForm.exec(inner) ?? []
    if (label === undefined || value === undefined) throw new Error(`no labels: ${inner}`)
    if (Object.hasOwn(labels, label)) throw new Error(`the label ${label} comes twice`)
    labels[label] = value.replaceAll(/\\(["\\n])/g, (_, one: string) => (one === 'n' ? '\n' : one))
  }
  return { name: of, labels, value: number === '+Inf' ? Infinity : number === '-Inf' ? -Infinity : Number(number) }
}

function checkHistogram(of: string, samples: readonly Sample[]): void {
  const groups = Map.groupBy(samples, ({ labels }) => JSON.stringify({ ...labels, le: undefined }))
  for (const [labels, group] of groups) {
    const buckets = group.filter((one) => one.name.endsWith('_bucket'))
    const bounds = buckets.map((one) => (one.labels['le'] === '+Inf' ? Infinity : Number(one.labels['le'])))
    const count = group.find((one) => one.name.endsWith('_count'))?.value
    if (bounds.at(-1) !== Infinity || !isGrowing(bounds, true)) throw new Error(`${of}${labels}: bounds ${bounds}`)
    const values = buckets.map(({ value }) => value)
    if (!isGrowing(values, false) || values.at(-1) !== count) throw new Error(`${of}${labels}: buckets ${values}`)
    if (!group.some((one) => one.name.endsWith('_sum'))) throw new Error(`${of}${labels} has no sum`)
  }
}

function isGrowing(values: readonly number[], strictly: boolean): boolean {
  return values.every(
    (value, index) => index === 0 || (strictly ? value > values[index - 1]! : value >= values[index - 1]!),
  )
}

/** The values of a metric's samples, by their labels as text. */
export function valuesOf(text: string, metric: string, suffix = ''): Readonly<Record<string, number>> {
  const samples = parseExposition(text).get(metric)?.samples ?? []
  return Object.fromEntries(
    samples
      .filter((one) => one.name === `${metric}${suffix}`)
      .map(({ labels, value }) => [Object.values(labels).join(' '), value]),
  )
}
