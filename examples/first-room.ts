// A race whose loser has done something: two hotels get a request for a room, and the booking that comes second is cancelled.
import { setTimeout as sleep } from 'node:timers/promises'
import { dataType, execute, graph, race, step } from 'docket'
import { z } from 'zod'

const Guest = dataType('Guest', z.string())
const Seaside = dataType('Seaside', z.string())
const Downtown = dataType('Downtown', z.string())
const Room = dataType('Room', z.string())

const book = async (hotel: string, guest: string, ms: number): Promise<string> => {
  await sleep(ms)
  console.log(`${hotel}: a room for ${guest}`)
  return `${hotel}-1`
}
const cancelled = Promise.withResolvers<void>()

// #region losers
const bookSeaside = step({
  name: 'BookSeaside',
  inputs: { guest: Guest },
  output: Seaside,
  // It can't be stopped once it is under way, and does not look at its signal.
  run: ({ guest }) => book('seaside', guest, 100),
  compensate: (room, { reason }) => {
    console.log(`cancel ${room}: ${(reason as Error).message}`)
    cancelled.resolve()
  },
})
const bookDowntown = step({
  name: 'BookDowntown',
  inputs: { guest: Guest },
  output: Downtown,
  run: ({ guest }) => book('downtown', guest, 10),
  compensate: (room) => console.log(`cancel ${room}`),
})
const takeRoom = race({ name: 'TakeRoom', inputs: { seaside: Seaside, downtown: Downtown }, output: Room })

const rooms = graph({ name: 'rooms', steps: [bookSeaside, bookDowntown, takeRoom] })
console.log(await execute(rooms, Room, { Guest: 'Ada' }))
// #endregion

// The outcome did not wait for it.
await cancelled.promise
