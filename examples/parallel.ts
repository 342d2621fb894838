/** Five calls that need nothing of each other are made at the same time: nobody says so, the types do. */
import { setTimeout as delay } from 'node:timers/promises'
import { dataType, execute, graph, step, type } from 'docket'

const UserID = dataType('UserID', type<string>())
const Profile = dataType('Profile', type<string>())
const Preferences = dataType('Preferences', type<string>())
const Activity = dataType('Activity', type<string>())
const Friends = dataType('Friends', type<string>())
const Recommendations = dataType('Recommendations', type<string>())
const Dashboard = dataType('Dashboard', type<readonly string[]>())

let underWay = 0
let mostUnderWay = 0

async function call(service: string, signal: AbortSignal): Promise<string> {
  mostUnderWay = Math.max(mostUnderWay, ++underWay)
  await delay(50, undefined, { signal })
  underWay--
  return service
}

// #region steps
const fetchProfile = step({
  name: 'FetchProfile',
  inputs: { user: UserID },
  output: Profile,
  run: (_, { signal }) => call('profile', signal),
})
const fetchPreferences = step({
  name: 'FetchPreferences',
  inputs: { user: UserID },
  output: Preferences,
  run: (_, { signal }) => call('preferences', signal),
})
const fetchActivity = step({
  name: 'FetchActivity',
  inputs: { user: UserID },
  output: Activity,
  run: (_, { signal }) => call('activity', signal),
})
const fetchFriends = step({
  name: 'FetchFriends',
  inputs: { user: UserID },
  output: Friends,
  run: (_, { signal }) => call('friends', signal),
})
const recommend = step({
  name: 'Recommend',
  inputs: { user: UserID },
  output: Recommendations,
  run: (_, { signal }) => call('recommendations', signal),
})
const buildDashboard = step({
  name: 'BuildDashboard',
  inputs: { profile: Profile, preferences: Preferences, activity: Activity, friends: Friends, tips: Recommendations },
  output: Dashboard,
  run: ({ profile, preferences, activity, friends, tips }) => [profile, preferences, activity, friends, tips],
})
// #endregion

const dashboards = graph({
  name: 'dashboards',
  steps: [fetchProfile, fetchPreferences, fetchActivity, fetchFriends, recommend, buildDashboard],
})

const dashboard = await execute(dashboards, Dashboard, { UserID: 'user-123' })

console.log(`dashboard of ${dashboard.join(', ')}`)
console.log(`5 calls of 50 ms, ${mostUnderWay} of them at the same time`)
