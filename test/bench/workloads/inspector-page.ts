import type { Page } from 'playwright-core'
import { startBrowser } from '../../inspector/page/browser.ts'
import { FakeServer } from '../../inspector/page/fake-server.ts'
import { busyWorld } from '../../inspector/page/worlds.ts'
import { quantileOf } from '../measure.ts'
import type { Series } from '../measure.ts'
import { duration } from '../table-text.ts'
import type { Result, Workload } from './workload.ts'

/** Times of frames while the graph is dragged: what people feel. */
const panning = `(async () => {
  const space = document.querySelector('.graph-space')
  const { left, top } = space.getBoundingClientRect()
  const send = (type, x, y) => space.dispatchEvent(
    new PointerEvent(type, { pointerId: 1, clientX: left + x, clientY: top + y, button: 0, bubbles: true }))
  space.setPointerCapture = () => {}
  send('pointerdown', 400, 200)
  const times = []
  let last = performance.now()
  for (let frame = 0; frame < 120; frame++) {
    send('pointermove', 400 - frame * 4, 200 + Math.sin(frame / 10) * 30)
    await new Promise(requestAnimationFrame)
    times.push(performance.now() - last)
    last = performance.now()
  }
  send('pointerup', 0, 0)
  return times.slice(5)
})()`

async function openMany(page: Page, server: FakeServer, step = ''): Promise<number> {
  const begun = performance.now()
  await page.goto(server.url(`?execution=many${step}`))
  await page.waitForSelector('.graph-space')
  await page.evaluate('new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))')
  const took = performance.now() - begun
  // Arrows that are seen from afar are drawn over a few frames more.
  await page.waitForTimeout(1_000)
  return took
}

/** The inspector's page with an execution of ten thousand steps and thirty thousand arrows: until it is drawn, and while it is dragged. */
export const inspectorPage: Workload = {
  name: 'inspector-page',
  title: 'the page of an execution with 10,000 steps: until it is drawn, and frames while its graph is dragged',
  measure: async (_, { isQuick }): Promise<Result> => {
    const browser = await startBrowser()
    await using server = await new FakeServer(busyWorld()).listen()
    const opened: number[] = []
    const far: number[] = []
    const near: number[] = []
    try {
      for (let round = 0; round < (isQuick ? 2 : 10); round++) {
        const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
        opened.push(await openMany(page, server))
        far.push(...(await page.evaluate<number[]>(panning)))
        // In the middle of the plan, where most arrows are.
        await openMany(page, server, '&step=Step%20hai')
        near.push(...(await page.evaluate<number[]>(panning)))
        await page.close()
      }
    } finally {
      await browser.close()
    }
    const series: readonly Series[] = [
      { name: 'opened and drawn', msPerRun: opened },
      { name: 'a frame, all of it in sight', msPerRun: far },
      { name: 'a frame, near enough to read', msPerRun: near },
    ]
    return {
      name: inspectorPage.name,
      title: inspectorPage.title,
      series: [],
      measures: { 'the page with 10,000 steps': series },
      tables: [
        [
          ['10,000 steps', 'p50', 'p95', 'p99'],
          ...series.map(({ name, msPerRun }) => [
            name,
            ...[0.5, 0.95, 0.99].map((at) => duration(quantileOf(msPerRun, at))),
          ]),
        ],
      ],
      notes: ['a frame of a screen with 60 Hz takes 16.7 ms at the least'],
    }
  },
}
