/** What would happen, without doing it: like `make -n`. */
import { dataType, execute, explain, graph, optional, step, type } from 'docket'

const UserID = dataType('UserID', type<string>())
const Locale = dataType('Locale', type<string>())
const Profile = dataType('Profile', type<string>())
const Avatar = dataType('Avatar', type<string>())
const Page = dataType('Page', type<string>())

const fetchProfile = step({
  name: 'FetchProfile',
  inputs: { user: UserID },
  output: Profile,
  persist: 'global',
  run: ({ user }) => `profile of ${user}`,
})
const drawAvatar = step({
  name: 'DrawAvatar',
  inputs: { profile: Profile },
  output: Avatar,
  run: ({ profile }) => `avatar from ${profile}`,
})
const renderPage = step({
  name: 'RenderPage',
  inputs: { profile: Profile, avatar: optional(Avatar), locale: Locale },
  output: Page,
  run: ({ profile, avatar, locale }) => `[${locale}] ${profile}, ${avatar ?? 'no avatar'}`,
})

const pages = graph({ name: 'pages', steps: [fetchProfile, drawAvatar, renderPage] })

console.log(
  `leaves: ${pages
    .leaves(Page)
    .map((leaf) => leaf.name)
    .join(', ')}\n`,
)

// #region explain
// The inputs may be incomplete: the plan shows what is missing.
console.log(`${explain(pages, Page, { Locale: 'en' })}\n`)

await execute(pages, Page, { UserID: 'user-123', Locale: 'en' })

// Afterwards the profile is remembered.
const plan = explain(pages, Page, { UserID: 'user-123', Locale: 'en' })
console.log(`${plan}\n`)
console.log(plan.toMermaid())
// #endregion
