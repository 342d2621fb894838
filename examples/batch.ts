/** Many items through one graph: steps per item, a step over all of them, and one that combines the two. */
import { all, dataType, executeBatch, graph, step, streamBatch } from 'docket'
import { z } from 'zod'

// #region declare
const Movie = dataType('Movie', z.object({ title: z.string(), votes: z.array(z.number()).min(1) }))
const Scale = dataType('Scale', z.number().positive())
const Rating = dataType('Rating', z.object({ title: z.string(), stars: z.number() }))
const Average = dataType('Average', z.number())
const Verdict = dataType('Verdict', z.string())

/** Once per item: a plain port is the item's own value. `Scale` is given once for all. */
const rate = step({
  name: 'Rate',
  inputs: { movie: Movie, scale: Scale },
  output: Rating,
  run: ({ movie, scale }) => ({ title: movie.title, stars: Math.round((mean(movie.votes) / scale) * 50) / 10 }),
})

/** Once for the batch: `all(T)` waits for the ratings of all items, and what is made of them is shared. */
const average = step({
  name: 'Average',
  inputs: { ratings: all(Rating) },
  output: Average,
  run: ({ ratings }) => mean(ratings.map((rating) => rating.stars)),
})

/** Once per item again: the item's own rating beside the average of all. */
const judge = step({
  name: 'Judge',
  inputs: { rating: Rating, average: Average },
  output: Verdict,
  run: ({ rating, average }) => `${rating.title}: ${rating.stars >= average ? 'above' : 'below'} average`,
})

const movies = graph({ name: 'movies', steps: [rate, average, judge] })
// #endregion

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length
}

const items = [
  { Movie: { title: 'Metropolis', votes: [9, 10, 8] } },
  { Movie: { title: 'Plan 9', votes: [2, 1, 3] } },
  { Movie: { title: 'Stalker', votes: [10, 9, 9] } },
]

// #region execute
const verdicts = await executeBatch(movies, Verdict, items, { shared: { Scale: 10 }, concurrency: 50 })
console.log(verdicts.join('\n'))
// #endregion

// #region collect
const outcomes = await executeBatch(movies, Rating, [...items, { Movie: { title: 'Untitled', votes: [] } }], {
  shared: { Scale: 10 },
  onError: 'collect',
})
for (const [index, outcome] of outcomes.entries()) {
  if (outcome.error !== undefined) console.log(`${index} failed: ${outcome.error.message}`)
  else console.log(`${index}: ${outcome.value.title} has ${outcome.value.stars} stars`)
}
// #endregion

// #region stream
async function* moviesFromSomewhere() {
  for (let number = 1; number <= 10_000; number++) yield { Movie: { title: `Movie ${number}`, votes: [number % 11] } }
}

let perfect = 0
for await (const { stars } of streamBatch(movies, Rating, moviesFromSomewhere(), { shared: { Scale: 10 } })) {
  if (stars === 5) perfect++
}
console.log(`${perfect} of 10000 streamed movies are perfect`)
// #endregion
