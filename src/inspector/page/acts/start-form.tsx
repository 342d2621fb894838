import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { StartForm as Form } from '../../protocol.ts'
import { usePage } from '../connection/page-context.ts'
import { useLoad } from '../connection/use-load.ts'
import { navigate } from '../route.ts'
import type { Route } from '../route.ts'
import { Name } from '../text/name.tsx'
import { shortText } from '../text/visible-text.ts'
import { Empty, Loading, Problem, messageOf } from '../widgets/notice.tsx'
import { JsonField, jsonOf } from './json-field.tsx'

/** Starts an execution: the graph, what it is to make, and its inputs, filled with examples that were made of their schemas. */
export function StartForm({ route }: { readonly route: Extract<Route, { readonly view: 'start' }> }): JSX.Element {
  const { about, api } = usePage()
  const graph = about.graphs.find(({ name }) => name === route.graph) ?? about.graphs[0]
  const target =
    route.target !== undefined && graph?.targets.includes(route.target) === true ? route.target : graph?.targets[0]
  const key = graph === undefined || target === undefined ? undefined : JSON.stringify([graph.name, target])
  const form = useLoad(key, () => api.form(graph!.name, target!))
  if (!about.allowsActions)
    return (
      <Empty title="Nothing can be started here">
        This server lets no acts through. Create the inspector with <code>allowActions: true</code>.
      </Empty>
    )
  if (graph === undefined || target === undefined)
    return (
      <Empty title="This process knows no graphs">
        Give them to the docket with <code>graphs: […]</code>, and executions of them can be started here.
      </Empty>
    )
  return (
    <div class="scroll">
      <div class="form">
        <h1>Start an execution</h1>
        <div class="row">
          <label>
            <span class="label">Graph</span>
            <select
              value={graph.name}
              onChange={(event) => navigate({ view: 'start', graph: event.currentTarget.value }, true)}
            >
              {about.graphs.map(({ name }) => (
                <option key={name} value={name}>
                  {shortText(name, 80)}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span class="label">Makes</span>
            <select
              value={target}
              onChange={(event) =>
                navigate({ view: 'start', graph: graph.name, target: event.currentTarget.value }, true)
              }
            >
              {graph.targets.map((name) => (
                <option key={name} value={name}>
                  {shortText(name, 80)}
                </option>
              ))}
            </select>
          </label>
        </div>
        {form.isLoading && <Loading what="its inputs" />}
        {form.error !== undefined && (
          <Problem what="Its inputs could not be read." error={form.error} onRetry={form.reload} />
        )}
        {form.value !== undefined && <Inputs key={key} graph={graph.name} target={target} form={form.value} />}
      </div>
    </div>
  )
}

function Inputs({
  graph,
  target,
  form,
}: {
  readonly graph: string
  readonly target: string
  readonly form: Form
}): JSX.Element {
  const { api } = usePage()
  const [id, setId] = useState('')
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({})
  const [problem, setProblem] = useState<string>()
  const [isBusy, setBusy] = useState(false)
  useEffect(() => {
    setTexts(
      Object.fromEntries(
        form.inputs.flatMap(({ type, isOptional, example }) =>
          isOptional ? [] : [[type, example === undefined ? '' : JSON.stringify(example, undefined, 2)]],
        ),
      ),
    )
  }, [form])

  const start = async (): Promise<void> => {
    const inputs: Record<string, unknown> = {}
    for (const { type } of form.inputs) {
      if (!Object.hasOwn(texts, type)) continue
      const result = jsonOf(texts[type]!)
      if ('problem' in result) {
        setProblem(`${type}: ${result.problem}`)
        return
      }
      inputs[type] = result.value
    }
    setBusy(true)
    setProblem(undefined)
    try {
      const own = id.trim() === '' ? {} : { id: id.trim() }
      const { outcomes } = await api.act({ act: 'start', graph, target, inputs, ...own })
      const [outcome] = outcomes
      if (outcome?.isDone === true) navigate({ view: 'execution', id: outcome.newId ?? outcome.id })
      else setProblem(outcome?.text ?? 'It was not started.')
    } catch (error) {
      setProblem(messageOf(error))
    }
    setBusy(false)
  }

  return (
    <form
      class="inputs"
      onSubmit={(event) => {
        event.preventDefault()
        void start()
      }}
    >
      {form.inputs.length === 0 && <p class="quiet">It needs no inputs.</p>}
      {form.inputs.map(({ type, isOptional, example }) =>
        Object.hasOwn(texts, type) ? (
          <div key={type}>
            <JsonField
              label={<Name text={type} class="code" />}
              text={texts[type]!}
              onText={(text) => setTexts((before) => ({ ...before, [type]: text }))}
              rows={Math.min(16, Math.max(3, texts[type]!.split('\n').length))}
            />
            {isOptional && (
              <button type="button" class="link" onClick={() => setTexts(without(texts, type))}>
                Leave it out
              </button>
            )}
          </div>
        ) : (
          isOptional && (
            <button
              key={type}
              type="button"
              class="optional"
              onClick={() =>
                setTexts((before) => ({
                  ...before,
                  [type]: example === undefined ? '' : JSON.stringify(example, undefined, 2),
                }))
              }
            >
              Add <Name text={type} class="code" /> <span class="quiet">(optional)</span>
            </button>
          )
        ),
      )}
      <label>
        <span class="label">Id</span>
        <input
          spellcheck={false}
          placeholder="made by itself"
          value={id}
          onInput={(event) => setId(event.currentTarget.value)}
        />
      </label>
      {problem !== undefined && (
        <p class="is-bad" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="primary" disabled={isBusy}>
        {isBusy ? 'Starting…' : 'Start'}
      </button>
    </form>
  )
}

function without(texts: Readonly<Record<string, string>>, type: string): Readonly<Record<string, string>> {
  const { [type]: _, ...rest } = texts
  return rest
}
