import type { ExpectedOutput } from './expected-output.ts'

/** What examples print that choose, wait, have children, or undo. */
export const outputsOfWaits: Readonly<Record<string, ExpectedOutput>> = {
  'cron-time-zone.ts': {
    text: `the night in which 2:30 does not exist:
report of Berlin, 28/03/2026, 02:30:00 (2026-03-28T01:30:00.000Z)
report of Berlin, 29/03/2026, 03:00:00 (2026-03-29T01:00:00.000Z)
report of Berlin, 30/03/2026, 02:30:00 (2026-03-30T00:30:00.000Z)
[ '2026-04-01T00:30:00.000Z', '2026-04-02T00:30:00.000Z' ]
report of Berlin, 31/03/2026, 02:30:00 (2026-03-31T00:30:00.000Z)
{
  started: 1,
  existing: 1,
  skipped: 0,
  isOneBuffered: false,
  cancelled: 0
}
report of Berlin`,
  },
  'branching.ts': {
    text: `a letter of 20 g
freight of 2000 g
Shipment of graph shipping: 3 steps, 2 levels
  in  Parcel (given)
   0  SendLetter   run if   Parcel → Letter
   0  SendFreight  run if   Parcel → Freight
   1  Send         run      race(Letter, Freight) → Shipment`,
  },
  'subgraphs.ts': {
    text: `200 g to Oslo, by order-1/ShipHome
200 g to Bergen, by order-1/ShipCopy`,
  },
  'shopping-cart.ts': {
    text: `accepted
refused
shopping 2
payment 1: 15 euros
book and pen for Ada (payment 1: 15 euros)`,
  },
  'subscription-machine.ts': {
    text: `Ada paid for 37 months, and left: moved to the sea
2032-12-26T00:00:00.000Z
37`,
  },
  'deadline.ts': {
    text: `yes, after 20 minutes
no answer by 2030-01-01T10:20:00.000Z`,
  },
  'approval.ts': {
    text: `30 euros: approved by Ada
70 euros: expired`,
  },
  'durable-approval.ts': {
    text: `[ 'accepted', 'duplicate' ]
30 euros: approved by Ada
70 euros: expired
ended
20 euros: approved by Di`,
  },
  'welcome-mails.ts': {
    text: `2000-01-01  ada@example.com: Welcome: please confirm your address
2000-01-04  ada@example.com: Still there?
2000-01-12  ada@example.com: Five things to try next
confirmed at noon
2000-01-12  bo@example.com: Welcome: please confirm your address
2000-01-15  bo@example.com: Still there?
2000-01-18  bo@example.com: Still there?
2000-01-21  bo@example.com: Still there?
never confirmed`,
  },
  'research.ts': {
    text: `{ read: 2, of: 3 }
notes on tea: a; notes on tea: b; notes on tea: c
[
  'tea/Research/reading',
  'tea/Research/reading#2',
  'tea/Research/reading#3'
]`,
  },
  'agent.ts': {
    text: `model: turn 1
model: turn 2
order: the blue one
model: turn 3
the blue one is on its way`,
  },
  'subscription.ts': { text: `Ada paid for 34 months, and left: moved to tea` },
  'events.ts': {
    text: `Packed waits for Packed b-1
PackedPen waits for Packed p-1
accepted
accepted
duplicate
first: book from shelf 7, pen from shelf 3
second: book from shelf 7, no pen`,
  },
  'cancellation-policy.ts': {
    text: `30 euros: approved by Ada
EXECUTION_EXPIRED by maxRunning: execution "taxi" of graph "expenses" was cancelled: it had not ended 172800000 ms after it had begun (maxRunning)`,
  },
  'request-response.ts': {
    text: `{ from: 'Elm Street 1', to: 'Oak Street 2' }
{ from: 'Elm Street 1', to: 'Oak Street 2' }
UPDATE_REJECTED update "ChangeAddress" was rejected: that is where it was ordered to
Oak Street 2, by van 12
{ from: 'Elm Street 1', to: 'Oak Street 2' }
UPDATE_ENDED`,
  },
  'safe-message-handler.ts': {
    text: `[ 0, 1 ]
[ 2, 3 ]
update "Assign" failed: 0 of 4 machines are free, not 2
[ '0: train', '1: train', '2: test', '3: test' ]`,
  },
  'updatable-timer.ts': {
    text: `accepted
accepted
Ada, your cart has waited since 14:30
ended`,
  },
  'first-room.ts': {
    text: `downtown: a room for Ada
downtown-1
seaside: a room for Ada
cancel seaside-1: step "BookSeaside" lost the race "TakeRoom": "Downtown" came first (as "downtown")`,
  },
  'pick-first.ts': {
    text: `far: step "AskFar" lost the race "Forecast": "Near" came first (as "near")
21 degrees, says the one that is near
21 degrees, says the one that is far
flowchart TD
  leaf0(["City"])
  step0["AskNear"]
  step1["AskFar"]
  step2{{"Forecast"}}
  leaf0 -->|"City"| step0
  leaf0 -->|"City"| step1
  step0 -->|"Near"| step2
  step1 -->|"Far"| step2
  step2 --> target(("Weather"))
  classDef cached stroke-dasharray: 4
  classDef missing stroke:#c00,color:#c00`,
  },
  'saga/main.ts': {
    text: `the first process books a trip, and can not pay
  process 1: car of Ada cancelled
  process 1: cancelling the room of Ada
it was killed; in the database: compensating; undone: BookFlight not yet, BookHotel running, RentCar undone
the second process starts
  process 2: cancelling the room of Ada
  process 2: room of Ada cancelled
  process 2: flight of Ada cancelled
  process 2: step "Pay" failed after 1 attempt: the card is expired
in the database: failed; undone: BookFlight undone, BookHotel undone, RentCar undone`,
  },
  'nightly-report.ts': {
    text: `counting the orders of 2026-05-04
waiting { kind: 'time', at: 2026-05-05T06:00:00.000Z }
2026-05-05T06:00:00.000Z: 42 orders on 2026-05-04`,
  },
  'testing.ts': {
    text: `create: execution of expenses
commit: Approval waiting, Expire waiting, execution waiting
commit: execution waiting, execution parked
post: Approval
commit: Approval completed, Expire waiting, execution running
commit: Expire cancelled, Decide running
commit: Decide completed
commit: execution completed
16 crashes, and each time the same end`,
  },
  'undoing.ts': {
    text: `Trip of graph trips: 3 steps, 3 levels
  in  Traveller (given)
   0  BookFlight  run      Traveller → Flight, undoable
   1  BookHotel   run      Traveller, Flight → Hotel, undoable
   2  Pay         run      Flight, Hotel → Trip
{
  flight: 'flight of Bob',
  hotel: 'room of Bob, after the flight of Bob'
}
cancelled: room of Ada, after the flight of Ada
cancelled: flight of Ada
step "Pay" failed after 1 attempt: the card is expired and nothing of it is left`,
  },
  'cart-function.ts': {
    text: `[ { sku: 'book', euros: 20 }, { sku: 'lamp', euros: 40 } ] 60
{ off: 10 }
UPDATE_REJECTED update "UseVoucher" was rejected: there is no voucher SUMMER
50
charging Ada 50 euros
book, lamp, SPRING to Oslo, 50 euros paid
Bo's cart was left alone`,
  },
  'order-of-days.ts': {
    text: `order-1 is paid
to ada@example.org: on its way: 1Z999
to ada@example.org: how was it?
shipped as 1Z999 2030-01-17T08:00:00.000Z
order-2 is paid
order-2 is paid back
refunded: nobody packed it 2030-01-24T08:00:00.000Z`,
  },
  'file-processing.ts': {
    text: `fetching in/a.txt
fetching in/c.bin
fetching in/b.txt
{ counted: 2, words: 5, broken: [ 'in/c.bin' ] }
[ 'in/CountFolder/counting[in%2Fc.bin]' ]`,
  },
  'periodic-sequence.ts': {
    text: `72 2026-01-02T00:00:00.000Z
24 children, all completed`,
  },
}
