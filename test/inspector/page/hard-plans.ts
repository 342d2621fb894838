import type { StepView } from '../../../src/inspector/protocol.ts'
import { ago, stepView } from './step-views.ts'

const minute = 60_000

/** Names that are meant to do harm where they are not shown as text alone. */
export const hostileNames: readonly string[] = [
  '<img src=x onerror="window.hacked=1">',
  '"><script>window.hacked=1</script>',
  '\u001B[2J\u001B[31mred',
  '\u202Etxt.exe',
  'مرحبا بالعالم العربي',
  `long ${'x'.repeat(10_000)}`,
  '__proto__',
  'constructor',
  '${window.hacked=1}',
]

/** Steps with such names, each behind the one before. */
export function hostileSteps(): readonly StepView[] {
  return hostileNames.map((name, index) =>
    stepView(name, {
      kind: hostileNames[(index + 2) % 5]!,
      status: (['completed', 'failed', 'waiting', 'toString'] as const)[index % 4]!,
      dependsOn: index === 0 ? [] : [hostileNames[index - 1]!],
      waitsFor: name,
      startedAt: ago(5_000),
      endedAt: ago(4_000),
      error: { name, message: name, code: name, causes: [{ name, message: name }] },
      output: { type: name, isSensitive: false },
    }),
  )
}

/** A plan with so many steps, each with three inputs from those of some two hundred before. */
export function manySteps(count: number): readonly StepView[] {
  let seed = 42
  const random = (): number => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648
  const statuses = [
    'completed',
    'completed',
    'completed',
    'cached',
    'running',
    'queued',
    'pending',
    'failed',
    'waiting',
  ]
  return Array.from({ length: count }, (_, index) => {
    const before = new Set<string>()
    for (let each = 0; each < Math.min(3, index); each++) {
      const back = 1 + Math.floor(random() * Math.min(index, 200))
      before.add(`Step ${nameOf(index - back)}`)
    }
    const status = statuses[Math.floor((index / count) * statuses.length * 0.99 + random())] ?? 'pending'
    const start = (index / count) * minute
    return stepView(`Step ${nameOf(index)}`, {
      status,
      dependsOn: [...before],
      queuedAt: ago(2 * minute - start),
      startedAt: ago(2 * minute - start - 300),
      endedAt: ago(2 * minute - start - 900),
    })
  })
}

/** Names without numbers: those that differ in numbers alone may be folded. */
function nameOf(index: number): string {
  return [...index.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('')
}
