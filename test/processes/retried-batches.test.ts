import { describe, expect, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import { placeMaker, storeKinds } from './place.ts'
import { startProcess } from './processes.ts'

const newPlace = await placeMaker()
const N = dataType('N', type<number>())
const Out = dataType('Out', type<number>())

describe.each(storeKinds)('on %s', (kind) => {
  test.each(['is there already', 'comes later'])(
    'items that a process retries which serves no queue run in a worker that %s',
    async (when) => {
      const place = await newPlace(kind)
      const ran: number[] = []
      let isBroken = true
      const send = step({
        name: 'Send',
        inputs: { n: N },
        output: Out,
        persist: 'execution',
        run: ({ n }) => {
          ran.push(n)
          if (isBroken && n > 1) throw new Error('down')
          return n * 10
        },
      })
      const sending = graph({ name: 'sending', steps: [send] })
      const { docket: first } = startProcess(place, { graphs: [sending] })
      const items = [1, 2, 3].map((n) => ({ N: n }))
      const options = { id: 'b', onError: 'collect', key: ({ N: n }: { readonly N: number }) => `n${n}` } as const
      await (await first.startBatch(sending, Out, items, options)).result()
      isBroken = false
      if (when === 'comes later') await first.close()
      const { docket: api } = startProcess(place, { graphs: [sending], work: false })
      const handle = await api.retry('b', { items: ['n2'] })
      if (when === 'comes later') {
        expect(await handle.details()).toMatchObject({ status: 'pending', lease: undefined })
        startProcess(place, { graphs: [sending] })
      }
      expect(await handle.result()).toMatchObject([{ value: 10 }, { value: 20 }, { error: { step: 'Send' } }])
      expect(ran.toSorted()).toEqual([1, 2, 2, 3])
    },
  )
})
