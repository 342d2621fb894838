const mostNamed = 5

/** A reason that is about a step, or about something else. */
interface Reason {
  /** Begins with what `stepName` gives, where it is about a step. */
  readonly text: string
  readonly step?: string | undefined
  readonly item?: string | undefined
  readonly because?: readonly Reason[] | undefined
}

/** How a step is named in a sentence. */
export function stepName({ step, item }: { readonly step: string; readonly item?: string | undefined }): string {
  return `step ${quoted(step, item)}`
}

/** Names in a sentence: of very many the first. */
export function namesText(names: readonly string[]): string {
  const more = names.length - mostNamed
  if (more > 0) return `${names.slice(0, mostNamed).join(', ')} and ${more} more`
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)!}`
}

/** Reasons of which several say the same of their steps, each of them once: the sentence, and those that it stands for. */
export function alikeReasons<One extends Reason>(
  reasons: readonly One[],
): readonly { readonly text: string; readonly of: readonly [One, ...One[]] }[] {
  const groups = new Map<string, [One, ...One[]]>()
  for (const one of reasons) {
    const key = JSON.stringify(saidOf(one))
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [one])
    else group.push(one)
  }
  return [...groups.values()].map((of) => ({ text: textOf(of), of }))
}

function textOf(of: readonly [Reason, ...Reason[]]): string {
  const [first] = of
  if (of.length === 1) return first.text
  const names = of.flatMap(({ step, item }) => (step === undefined ? [] : [quoted(step, item)]))
  return names.length < of.length ? first.text : `${of.length} steps (${namesText(names)}): each ${predicateOf(first)}`
}

/** What a reason says, whichever step it is about. */
function saidOf(one: Reason): unknown {
  return [one.step === undefined, predicateOf(one), one.because?.map(({ text }) => text)]
}

function predicateOf({ text, step, item }: Reason): string {
  if (step === undefined) return text
  const subject = `${stepName({ step, item })} `
  return text.startsWith(subject) ? text.slice(subject.length) : text
}

function quoted(step: string, item: string | undefined): string {
  return `"${step}"${item === undefined ? '' : ` of item "${item}"`}`
}
