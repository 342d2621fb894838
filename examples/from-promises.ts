// What a function with `Promise.all`, and one with names of tasks, become.
import { dataType, execute, exponential, graph, step, type } from 'docket'

const api = {
  profile: async (id: string) => ({ name: 'Ada', id }),
  orders: async (id: string) => [`${id}-1`, `${id}-2`],
}

// #region before
async function pageFor(id: string): Promise<string> {
  const [profile, orders] = await Promise.all([api.profile(id), api.orders(id)])
  return `${profile.name} has ${orders.length} orders`
}
// #endregion

// #region after
const CustomerID = dataType('CustomerID', type<string>())
const Profile = dataType('Profile', type<{ readonly name: string }>())
const Orders = dataType('Orders', type<readonly string[]>())
const Page = dataType('Page', type<string>())

const pages = graph({
  name: 'pages',
  steps: [
    step({ name: 'FetchProfile', inputs: { id: CustomerID }, output: Profile, run: ({ id }) => api.profile(id) }),
    step({
      name: 'FetchOrders',
      inputs: { id: CustomerID },
      output: Orders,
      // What would stand around the call stands beside it.
      timeout: '2s',
      retry: { maxAttempts: 3, backoff: exponential('50ms') },
      run: ({ id }) => api.orders(id),
    }),
    step({
      name: 'Render',
      inputs: { profile: Profile, orders: Orders },
      output: Page,
      run: ({ profile, orders }) => `${profile.name} has ${orders.length} orders`,
    }),
  ],
})
// #endregion

console.log(await pageFor('c7'))
console.log(await execute(pages, Page, { CustomerID: 'c7' }))
