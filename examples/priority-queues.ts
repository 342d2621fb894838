/** A process that only starts, and a worker with one slot: priorities, turns of tenants, a pause, and a backlog. */
import { createDocket, dataType, graph, step } from 'docket'
import { memoryStore } from 'docket/stores/memory'
import { z } from 'zod'

const Video = dataType('Video', z.object({ tenant: z.string(), title: z.string() }))
const Encoded = dataType('Encoded', z.string())
const encode = step({
  name: 'Encode',
  inputs: { video: Video },
  output: Encoded,
  persist: 'execution',
  run: ({ video }) => {
    console.log(`encodes ${video.title} of ${video.tenant}`)
    return `${video.title}.webm`
  },
})
const videos = graph({ name: 'videos', steps: [encode] })
const store = memoryStore()

// #region start
const api = createDocket({ graphs: [videos], store, work: false })
const submit = (tenant: string, title: string, priority = 0) =>
  api.start(videos, Encoded, { Video: { tenant, title } }, { id: title, queue: 'encoding', key: tenant, priority })
// #endregion
const handles = [
  await submit('acme', 'a1'),
  await submit('acme', 'a2'),
  await submit('acme', 'a3'),
  await submit('acme', 'urgent', 10),
  await submit('tiny', 't1'),
]

// #region backlog
const { ready, running } = await api.queue('encoding').backlog()
console.log(`${ready} are ready, ${running} run`)
// #endregion

// #region worker
const worker = createDocket({
  graphs: [videos],
  store,
  work: { encoding: 1 },
  queues: { encoding: { concurrency: 4, rate: { limit: 100, per: '1s', burst: 10 } } },
})
// #endregion
await Promise.all(handles.map((handle) => handle.result()))

// #region pause
await api.queue('encoding').pause('the disk is full')
const paused = await submit('tiny', 't2')
console.log((await paused.details()).status, (await api.queue('encoding').info()).note)
await api.queue('encoding').resume()
// #endregion
console.log(await paused.result())
await worker.close()
await api.close()
