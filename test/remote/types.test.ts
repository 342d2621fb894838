import { expect, expectTypeOf, test } from 'vitest'
import { dataType, graph, step, type } from '../../src/index.ts'
import type { InputsOf, ValueOf } from '../../src/index.ts'
import { client, implement, remote } from '../../src/remote/index.ts'
import { Charge, chargesOf } from './two-services.ts'
import type { Receipt } from './two-services.ts'

const url = 'https://billing.test'
const Other = dataType('Other', type<{ readonly total: string }>())
const Payment = dataType('Payment', type<{ readonly order: string; readonly amount: number }>())
const Proof = dataType('Proof', type<{ readonly id: string; readonly amount: number }>())

test('the compiler knows what a remote step takes and makes', () => {
  const orders = graph({ name: 'orders', steps: [remote(Charge, { url })] })
  expectTypeOf<InputsOf<typeof orders, typeof Receipt>>().toEqualTypeOf<{
    readonly ChargeRequest: { readonly order: string; readonly amount: number }
  }>()
  const renamed = graph({
    name: 'renamed',
    steps: [remote(Charge, { url, name: 'Again', input: Payment, output: Proof })],
  })
  expectTypeOf<InputsOf<typeof renamed, typeof Proof>>().toHaveProperty('Payment')
  expectTypeOf<ValueOf<typeof Proof>>().toHaveProperty('id')
  // @ts-expect-error what the operation makes does not fit this type
  expect(remote(Charge, { url, output: Other }).kind).toBe('remote')
  // @ts-expect-error this type is not what the operation takes
  expect(remote(Charge, { url, input: Other }).kind).toBe('remote')
  // @ts-expect-error nobody says where the service is
  expect(remote(Charge, {}).kind).toBe('remote')
})

test('the compiler knows which graph can do an operation', () => {
  const charges = chargesOf() as ReturnType<typeof chargesOf>
  expect(implement(Charge, { graph: charges }).kind).toBe('implementation')
  const others = graph({
    name: 'others',
    steps: [step({ name: 'Make', inputs: { payment: Payment }, output: Other, run: () => ({ total: '' }) })],
  })
  // @ts-expect-error the target does not fit the operation's output
  expect(implement(Charge, { graph: others, target: Other, inputs: (payment) => ({ Payment: payment }) }).kind).toBe(
    'implementation',
  )
  expect(
    implement(Charge, {
      graph: others,
      target: Other,
      inputs: (payment) => ({ Payment: payment }),
      output: ({ total }) => ({ id: total, amount: 0 }),
    }).kind,
  ).toBe('implementation')
})

test('the compiler knows what a client calls', () => {
  const billing = client(url)
  expectTypeOf(billing.execute<typeof Payment, typeof Receipt>).returns.resolves.toEqualTypeOf<
    ValueOf<typeof Receipt>
  >()
  // @ts-expect-error the request does not fit
  expectTypeOf(() => billing.execute(Charge, { order: 7 })).toBeFunction()
})
