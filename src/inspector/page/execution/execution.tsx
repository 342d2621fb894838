import type { JSX } from 'preact'
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks'
import type { StepView } from '../../protocol.ts'
import { ExecutionModel } from '../connection/execution-model.ts'
import { useNotifier } from '../connection/notifier.ts'
import { usePage } from '../connection/page-context.ts'
import { stepKey } from '../connection/step-key.ts'
import { GraphCanvas } from '../graph/graph-canvas.tsx'
import { planGraph } from '../graph/plan-graph.ts'
import type { PlanNode } from '../graph/plan-graph.ts'
import { navigate } from '../route.ts'
import type { ExecutionTab, Route } from '../route.ts'
import { hasEnded } from '../text/statuses.ts'
import { TimelineCanvas } from '../timeline/timeline-canvas.tsx'
import { Empty, Loading, Problem } from '../widgets/notice.tsx'
import { narrow, useMedia } from '../widgets/use-size.ts'
import { ExecutionHead } from './execution-head.tsx'
import { ExecutionMore } from './execution-more.tsx'
import { FoldedDetail } from './folded-detail.tsx'
import { StepDetail } from './step-detail.tsx'
import { StepList } from './step-list.tsx'

type ExecutionRoute = Extract<Route, { readonly view: 'execution' }>

/** One execution: what it is at, its plan as a graph, as a timeline and as a list, and everything about the chosen step. */
export function Execution({ route }: { readonly route: ExecutionRoute }): JSX.Element {
  const { api, live } = usePage()
  const [model, setModel] = useState<ExecutionModel>()
  useEffect(() => {
    const made = new ExecutionModel(api, live, route.id)
    setModel(made)
    return () => made.close()
  }, [api, live, route.id])
  useNotifier(model)
  if (model?.view === undefined) {
    if (model?.error !== undefined)
      return (
        <div class="view">
          <h1 class="hidden">Execution</h1>
          <Problem what="This execution could not be read." error={model.error} onRetry={() => model.reload()} />
          <Empty title={`“${route.id.slice(0, 80)}”`}>
            <button type="button" onClick={() => navigate({ view: 'executions', filter: {} })}>
              All executions
            </button>
          </Empty>
        </div>
      )
    return <Loading what="the execution" />
  }
  return <Loaded model={model} route={route} />
}

function Loaded({ model, route }: { readonly model: ExecutionModel; readonly route: ExecutionRoute }): JSX.Element {
  const view = model.view!
  const { steps, version, planVersion } = model
  const isNarrow = useMedia(narrow)
  const [search, setSearch] = useState('')
  const [status, setStatus] = useState<string>()
  const [isFolding, setFolding] = useState(true)
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set())
  const [group, setGroup] = useState<string>()
  const graph = useMemo(() => planGraph(steps, unfolded, isFolding), [planVersion, unfolded, isFolding])

  const chosenStep = route.step === undefined ? undefined : model.stepOf(route.step, route.item)
  const chosenNode = useMemo(() => {
    if (group !== undefined) return graph.nodes.findIndex(({ id }) => id === group)
    const place = steps.findIndex(({ step, item }) => step === route.step && (route.item ?? item) === item)
    return place < 0 ? -1 : graph.nodeOfStep[place]!
  }, [graph, group, route.step, route.item])
  const tab: ExecutionTab = route.tab ?? (steps.length === 0 ? 'more' : 'graph')
  const go = useCallback(
    (change: Partial<ExecutionRoute>) => navigate({ ...route, ...change }, true),
    [route.id, route.tab, route.step, route.item],
  )
  const choose = useCallback(
    ({ step, item }: StepView) => {
      setGroup(undefined)
      go({ step, item })
    },
    [go],
  )
  const chooseNode = useCallback(
    (node: PlanNode | undefined) => {
      const first = node === undefined ? undefined : steps[node.steps[0]!]
      setGroup(node?.isFolded === true ? node.id : undefined)
      if (node === undefined || first === undefined || node.isFolded) go({ step: undefined, item: undefined })
      else go({ step: first.step, item: node.steps.length === 1 ? first.item : undefined })
    },
    [go, steps, graph],
  )
  const found = useMemo(() => {
    const text = search.trim().toLowerCase()
    if (text === '' && status === undefined) return undefined
    const places = steps.flatMap((step, place) => (matches(step, text, status) ? [place] : []))
    return { places, nodes: new Set(places.map((place) => graph.nodeOfStep[place]!)) }
  }, [steps, version, search, status, graph])
  const listed = useMemo(
    () => (found === undefined ? steps : found.places.map((place) => steps[place]!)),
    [found, steps, version],
  )
  const openDetail = (): void => {
    if (isNarrow) go({ tab: 'steps' })
    requestAnimationFrame(() => document.querySelector<HTMLElement>('#detail')?.focus())
  }
  const node = graph.nodes[chosenNode]
  const isFolded = chosenStep === undefined && node !== undefined && node.steps.length > 1
  const hasDetail = chosenStep !== undefined || isFolded
  const chosenKey = route.step === undefined ? undefined : stepKey({ step: route.step, item: route.item })
  return (
    <div class="view execution">
      <ExecutionHead model={model} status={status} onStatus={setStatus} onStep={choose} />
      {model.isGone && (
        <p class="problem" role="status">
          It was deleted. What is shown is what was known of it last.
        </p>
      )}
      {model.error !== undefined && !model.isGone && (
        <Problem
          what="What is shown may be old: it could not be read again."
          error={model.error}
          onRetry={() => model.reload()}
        />
      )}
      <div class="tabs" role="group" aria-label="Show">
        {tabs
          .filter(({ id }) => isNarrow || id !== 'steps')
          .map(({ id, title }) => (
            <button
              key={id}
              type="button"
              class="tab"
              aria-pressed={tabShown(tab, isNarrow) === id}
              onClick={() => go({ tab: id })}
            >
              {title}
            </button>
          ))}
        <span class="push" />
        {graph.foldable > 0 && tabShown(tab, isNarrow) === 'graph' && (
          <label class="fold">
            <input
              type="checkbox"
              checked={isFolding}
              onChange={(event) => {
                setFolding(event.currentTarget.checked)
                setUnfolded(new Set())
                setGroup(undefined)
              }}
            />
            Fold steps that are alike
          </label>
        )}
      </div>
      <div class={`split is-${tabShown(tab, isNarrow)} ${hasDetail ? 'has-detail' : ''}`}>
        <StepList
          steps={listed}
          total={steps.length}
          search={search}
          onSearch={setSearch}
          cursor={chosenKey}
          onChoose={choose}
          onOpen={openDetail}
        />
        <section class="stage" aria-label={tabs.find(({ id }) => id === tab)!.title}>
          {tabShown(tab, isNarrow) === 'timeline' ? (
            <TimelineCanvas
              steps={listed}
              version={version}
              isOpen={!hasEnded(view.status)}
              chosen={chosenKey}
              onChoose={choose}
              onOpen={openDetail}
            />
          ) : tabShown(tab, isNarrow) === 'more' ? (
            <ExecutionMore view={view} />
          ) : steps.length === 0 ? (
            <Empty title="The plan is not known here">
              Neither has a step left a record yet, nor does this process know the graph.
            </Empty>
          ) : (
            <GraphCanvas
              graph={graph}
              steps={steps}
              version={version}
              chosen={chosenNode}
              onChoose={chooseNode}
              onOpen={openDetail}
              found={found?.nodes}
            />
          )}
        </section>
        {hasDetail && (
          <aside id="detail" class="detail scroll" tabIndex={-1} aria-label="The chosen step">
            {chosenStep !== undefined ? (
              <StepDetail
                key={stepKey(chosenStep)}
                model={model}
                step={chosenStep}
                onStep={choose}
                onClose={() => chooseNode(undefined)}
              />
            ) : (
              <FoldedDetail
                node={node!}
                steps={steps}
                onStep={choose}
                onClose={() => chooseNode(undefined)}
                onUnfold={
                  node!.isFolded
                    ? () => {
                        setUnfolded(new Set([...unfolded, node!.id]))
                        setGroup(undefined)
                      }
                    : undefined
                }
              />
            )}
          </aside>
        )}
      </div>
    </div>
  )
}

const tabs: readonly { readonly id: ExecutionTab; readonly title: string }[] = [
  { id: 'steps', title: 'Steps' },
  { id: 'graph', title: 'Graph' },
  { id: 'timeline', title: 'Timeline' },
  { id: 'more', title: 'Values and history' },
]

/** On wide windows the list of steps is always there. */
function tabShown(tab: ExecutionTab, isNarrow: boolean): ExecutionTab {
  return tab === 'steps' && !isNarrow ? 'graph' : tab
}

function matches(step: StepView, text: string, status: string | undefined): boolean {
  if (status !== undefined && step.status !== status) return false
  if (text === '') return true
  return [step.step, step.item, step.error?.code, step.waitsFor, step.output?.type].some(
    (each) => each?.toLowerCase().includes(text) === true,
  )
}
