import { expect, test } from 'vitest'
import { runSeed } from './run-seed.ts'

/** Worlds that broke a law once. A seed stands for its world only until the simulation itself draws its numbers otherwise. */
const found: readonly (readonly [seed: number, what: string])[] = [
  [349, 'two starts of one id in one process, the first answered late, made two lives of one execution'],
  [657, 'a takeover acquired what a start had just created, and both ran it'],
  [50, 'a process went on under an owner that it had lost already'],
  [789, 'an execution that was completed while its reopening was under way was reopened'],
  [542, 'an answer was lost, and an execution stood still for as long as its owner lived'],
  [1797, 'the answer to the creation of a fork was lost, and the fork stood still'],
  [1157, 'the answer to a claim was lost, and others waited for a result that nobody made'],
  [1804, 'a renewal that was answered after close() left a timer'],
  [8483, 'a step that a restored failure skips was told twice, and what could do without it began too early'],
  [4062, 'a driver repeated an acquisition by itself, and its second answer named nothing'],
  [102647, 'a value that was kept after its execution had been deleted met the one that was started anew under its id'],
  [106392, 'a claim that waited for a backoff was handed over to a run that nobody set going'],
  [
    6316,
    'the last function of a failed execution ended while the failure was on its way, and nobody released the execution',
  ],
  [13253, 'the same, with a delete that waited for it'],
  [
    4429,
    'an execution was acquired to be retried, its records could not be read, and it stayed with who did not run it',
  ],
  [3270, 'a write of a deleted execution, still under way, met the one that was started anew under its id'],
  [1_000_206, 'a batch was said to be started before its items were written, its process died, and it could not go on'],
  [1_000_733, 'a slow codec let the note of a failed attempt take the place of the value that the next one had made'],
  [1_003_132, 'a process that woke after a deadline began a step before it looked at the time'],
  [1_006_611, 'a batch was deleted while its outputs were read, and was told to be damaged'],
  [1_008_431, 'a batch that a process had just begun was judged by records that it had read before'],
  [1_000_043, 'items that failed in a completed batch were tried again, and the law did not know of it'],
  [1_000_774, 'the same, with items that share nothing'],
  [2_003_756, 'a step whose value could not be kept was optional, and not undone after a restart'],
  [
    2_004_779,
    'the commit of a value came late, for the second time, and brought back what was undone meanwhile: it was undone again',
  ],
  [
    3_000_070,
    'a wait was skipped for a failure that was on no record, and its slot closed: it was waited for again in vain',
  ],
  [
    3_000_028,
    'a process stood still while it asked the store what time it is, and took a deadline to be later than it was',
  ],
  [8_000_632, 'a parent was parked while it decoded what its child had come to, and nobody woke it any more'],
  [
    8_100_031,
    'a race that was restored gave up an input whose value was on record: it counted twice, and what still waited was not stopped at the end',
  ],
  [8_212_165, 'a value that came after its step had timed out closed the slot of a signal that was still waited for'],
  [8_216_665, 'a child ended at the moment in which its parent was parked, and nobody woke that any more'],
  [8_100_185, 'a batch ended while it waited, and the timer of its parking stayed'],
  [
    8_202_203,
    'steps were on record as cancelled before the end that cancelled them, their process died in between, and the slot of a signal stayed closed that was waited for again',
  ],
  [8_213_979, 'a function was parked while a codec was at work on its sleep, which was started over'],
  [8_201_369, 'a wait could not go on before its inputs were made anew, and the law did not know of it'],
  [8_203_634, 'a claim was granted after its claimant had given up, and the law did not wait for the second look'],
  [
    8_211_538,
    'functions that heed no signal slept on after the end, and the law took their timers for those of a docket',
  ],
  [
    8_102_426,
    'a commit arrived seconds after its call had failed, and cancelled the execution that was started anew under its id',
  ],
  [8_215_924, 'what takes all items of a batch was given the value of one that was being undone'],
  [8_205_758, 'a further attempt was given what the first one was, and the law did not know of it'],
  [8_206_174, 'a commit that came late brought back the time that a timer had before it was moved'],
  [40_000_460, 'a commit that came late took a machine back to a state that it had left'],
  [40_000_603, 'the same, with a delay'],
  [8_300_484, 'a wait of a batch that had been retried timed out, and began anew at each takeover'],
  [
    9_000_105,
    'the deadline that a start gave to what had ended was not known to whoever went on with it after it was parked',
  ],
  [
    9_000_088,
    'a late emission came when its event had expired and another had taken its place, and the law did not know of it',
  ],
  [9_100_116, 'the same, with an answer that its sender waited for'],
  [9_000_412, 'the store heard late of a wait that had begun before its event expired, and the law did not know of it'],
  [9_000_680, 'the same, of an execution alone'],
  [
    9_001_000,
    'a wait lost its race while a codec was at work on the note that it waits: it went on record afterwards, and was never over',
  ],
  [
    9_100_234,
    'what a race had lost only because of another was undone before it was on record what won that one, and before what had been made of it',
  ],
  [9_001_514, 'a docket was closed while a child of an execution that it handed over was undone, and its timer stayed'],
  [
    9_100_487,
    'the store took longer to create an execution than its maxRunning, which counted from the call: it was cancelled as it began',
  ],
  [
    9_100_975,
    'a process died between the values of a race and its decision, an event that was needed no more came while its execution was parked, and the law did not know of it',
  ],
  [
    9_101_953,
    'the first call of a process whose clock was an hour ahead said when an execution was to begin, before the store had said what time it is: it began an hour late',
  ],
  [
    9_001_192,
    'the clock of a process was set by an hour before the store had said what time it is, and a batch that was to begin at once waited for an hour',
  ],
  [
    9_003_167,
    'all items of a batch had failed while a step that they shared still ran, a signal that they shared was answered late, as none of them waited for it any more, and the law did not know of it',
  ],
  [12_000_825, 'the same, where what all of them needed had failed, and the law did not know of that'],
  [4_500_815, 'two inputs of a race came to the same value, and the law took the other one for the winner'],
  [
    12_001_528,
    'the clock of a process was off by a second and five milliseconds, which it took for less than a second, and the law did not know of it',
  ],
  [
    12_000_506,
    'the answer to the beginning of a retried execution was lost: its maxRunning counts from when its owner knew, and the law did not know of it',
  ],
  [
    32_000_319,
    'messages were read in two portions, an execution came to its process between them, and what the first one had for it was passed over',
  ],
  [
    2_500_515,
    'what was made of something undone had another idempotency key in the life after a deletion, and the law did not know of it',
  ],
  [2_500_252, 'the inputs of a step were refused, it was never called, and who went on with the undoing undid it'],
  [
    3_500_223,
    'a docket was closed while a codec was at work on the inputs of a step, which was undone though it was never called',
  ],
  [
    3_500_682,
    'what a value had been made of was undone with the losers of a race that was decided after a takeover, as steps between the two were on no record',
  ],
  [
    12_002_807,
    'a call that came late began the wait of a deleted execution once more, the one that was started anew under its id was given its event, and the law did not know of it',
  ],
  [
    12_004_425,
    'a process stood still before it knew that its execution had begun: its maxRunning counts from then, and the law did not know of it',
  ],
  [12_006_885, 'an execution was to be detached while it was being parked, and that was refused'],
  [
    12_005_772,
    'a wait timed out and was answered while its item had no slot of the batch: it took two, gave one back, and the batch stood still',
  ],
  [
    12_007_268,
    'a driver repeated the acquisition of what was to be detached, its second answer named nothing, and it stayed with a process that takes over nothing',
  ],
  [
    12_005_871,
    'what all items shared still ran when a batch that collects ended, and its retry failed before it ran again: it was not undone',
  ],
  [
    33_002_460,
    'a machine that had lost a race began anew at a takeover, as a step that was skipped for another failure would have taken its value',
  ],
  [
    13_000_209,
    'an event came to what was nobody’s while only a process was there that takes over nothing, and the law did not know of it',
  ],
  [
    200_000_019,
    'a process lost its lease while it took a slot of a limit, and had it for what had left: what waited first waited for that slot, and behind it what had come back under the same name',
  ],
  [
    224_365_701,
    'a batch that takes all was not parked once an item had succeeded, and two kept the places in their queue that their children needed',
  ],
  [300_001_695, 'the child of a step that lost its race after its parent had been parked went on to its own end'],
  [300_001_828, 'a start that was refused took the key from the execution that had its id'],
  [
    12_010_025,
    'a batch was cancelled that another process undid, and left records behind of items whose steps were to be tried again',
  ],
  [
    400_002_182,
    'a step lost its race while its attempt after a death waited for its turn, and was written as running after that',
  ],
  [400_001_099, 'the child of a renamed step was begun a second time'],
  [400_001_075, 'a migration lost what a machine was at'],
  [400_002_376, 'an older version did again what a newer one had undone, under the key of before'],
  [500_001_923, 'moves of one execution waited for one another for ever'],
  [500_010_343, 'an execution stayed with the process that was to move it, which did not know that it had it'],
  [600_000_055, 'the children of a batch had no deadline'],
  [300_030_482, 'the child of a step that had lost its race ran on what was undone, and the law did not know of it'],
  [300_010_675, 'what a dead process had began beside as many as the limit of its queue let, as its parent went on'],
  [
    600_010_827,
    'a commit that set a signal aside came twice, and opened the slot under the signal that had taken it since',
  ],
  [400_050_315, 'the same, put together with what that signal had led to'],
  [
    600_060_103,
    'a process began the child that it had by an answer that was lost beside its parent, to which a look had given the only place of their queue since',
  ],
  [910_000_094, 'who watched a value saw an earlier one again as the docket was closed'],
  [
    900_900_142,
    'a function was skipped since the condition of what it needs did not hold, which is on no record, and the law did not know that it had ended',
  ],
  [
    970_000_034,
    'a function was needed by nothing but a step that had been skipped, which is on no record, and the law did not know that it had ended',
  ],
  [
    36_500_124,
    'a letter to a machine was taken for a signal, as its execution had just been deleted, and was lost on the next one under the id',
  ],
  [
    460_500_047,
    'a wait was over while its execution was being parked, and the step after it ran there and where it was woken',
  ],
  [
    3_041_290,
    'a step that was about to begin when its execution was cancelled was written down as running after the end, and stayed so',
  ],
  [
    30_040_507,
    'machines had ended, and waited for room, when their batch failed: a retry of it waited for them for ever',
  ],
  [9_040_334, 'an execution that failed while it was being detached waited for a child that was held back until then'],
  [
    4_101_716,
    'the value that an earlier attempt brought late was on record, and had decided a race there, when the last one failed: here the step had failed, and waited for a signal whose slot was closed',
  ],
  [
    300_100_055,
    'an interceptor that had taken its time began the function of a step whose execution was detached meanwhile',
  ],
  [
    1_103_666,
    'all items of a batch had their values, and were done again after a takeover, since one could have wanted what steps of another had made: they failed',
  ],
  [
    30_100_015,
    'a wait that was over when another process went on with it was due then, and the law took the 2.5 s that its commit was on its way for another time',
  ],
  [
    377_770_043,
    'a step whose child had failed since its process was lost was on record as one that waits: an update to what needs it was answered, with nothing on record that had ended',
  ],
  [
    88_880_783,
    'a machine timed out while its state was on its way to a store that did not answer: its end was written with that state, and what had led to it was not consumed',
  ],
  [
    91_881_388,
    'a process that had slept through the end of its lease wrote that a machine had lost a race, and nothing of what had decided it: the machine began anew',
  ],
  [
    93_880_332,
    'an execution was cancelled that was parked, and the law did not know that its owner waited for its child to be undone',
  ],
  [
    66_660_459,
    'machines of items were on record as cancelled when the process of their batch died, and its end was not: they began anew, and were left without their states',
  ],
]

test.each(found)('seed %i: %s', async (seed) => {
  expect((await runSeed(seed, { isWatched: true })).violations).toEqual([])
})
