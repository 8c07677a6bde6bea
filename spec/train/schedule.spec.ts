import { expect } from "chai";
import { Schedule, type ScheduleFields } from "../../lib/train/schedule.js";

const NOTHING: ScheduleFields = {
  max_iter: 12,
  test_interval: 0,
  test_initialization: true,
  display: 0,
  snapshot: 0,
  snapshot_after_train: false,
};

/** Tasks due in a training by rounds of some iterations, by the iteration that they are due at. */
function due(fields: Partial<ScheduleFields>, round = 1, start = 0) {
  const schedule = new Schedule({ ...NOTHING, ...fields }, start, round);
  const tests: number[] = [];
  const snapshots: number[] = [];
  let iteration = start;
  while (!schedule.isOver) {
    if (schedule.isTestDue) tests.push(iteration);
    iteration += schedule.roundOf(round);
    schedule.reach(iteration);
    if (schedule.isSnapshotDue) snapshots.push(iteration);
  }
  if (schedule.isLastTestDue) tests.push(iteration);
  return { tests, snapshots, iteration, schedule };
}

describe("schedules", () => {
  it("test before the first iteration, at every multiple and after the last, if that is one", () => {
    expect(due({ test_interval: 4 }).tests).to.deep.equal([0, 4, 8, 12]);
    expect(due({ test_interval: 5 }).tests).to.deep.equal([0, 5, 10]);
  });

  it("do not test before the first iteration without test_initialization, but do where training resumes", () => {
    expect(due({ test_interval: 4, test_initialization: false }).tests).to.deep.equal([4, 8, 12]);
    expect(due({ test_interval: 4, test_initialization: false }, 1, 8).tests).to.deep.equal([8, 12]);
    expect(due({ test_interval: 4 }, 1, 7).tests).to.deep.equal([8, 12]);
  });

  it("test where training resumes what the round before its stop had passed over", () => {
    const whole = due({ test_interval: 5, max_iter: 20 }, 4);
    expect(whole.tests).to.deep.equal([0, 8, 12, 16, 20]);
    for (const start of [4, 8, 12, 16]) {
      const resumed = due({ test_interval: 5, max_iter: 20 }, 4, start).tests;
      expect(resumed).to.deep.equal(whole.tests.filter((iteration) => iteration >= start));
    }
  });

  it("snapshot after the round that comes to a multiple or passes it", () => {
    expect(due({ snapshot: 4 }).snapshots).to.deep.equal([4, 8, 12]);
    expect(due({ snapshot: 4, test_interval: 4 }, 5)).to.deep.include({
      snapshots: [5, 10, 12],
      tests: [0, 5, 10, 12],
    });
  });

  it("do nothing at an interval of 0", () => {
    const { tests, snapshots, schedule } = due({});
    expect([tests, snapshots]).to.deep.equal([[], []]);
    expect([schedule.isLossDue, schedule.writesSnapshots, schedule.needsLastSnapshot(3)]).to.deep.equal([
      false,
      false,
      false,
    ]);
  });

  it("end rounds that pass over nothing where something is due", () => {
    const schedule = new Schedule({ ...NOTHING, max_iter: 22, test_interval: 8, snapshot: 10, display: 6 }, 0);
    const rounds: number[] = [];
    for (let iteration = 0; !schedule.isOver; ) {
      rounds.push(schedule.roundUpTo(5));
      iteration += rounds.at(-1)!;
      schedule.reach(iteration);
    }
    // Displayed are 0, 6, 12 and 18; a test is due at 8 and 16, a snapshot at 10 and 20.
    expect(rounds).to.deep.equal([1, 5, 1, 1, 2, 3, 3, 3, 1, 2]);
  });

  it("end with the last iteration, in a shorter round", () => {
    expect(due({ max_iter: 12 }, 5).iteration).to.equal(12);
    expect(due({ max_iter: 3 }, 1, 8)).to.deep.include({ iteration: 8, tests: [] });
  });

  it("show multiples of display, and the loss after the last iteration if that is one", () => {
    const { schedule } = due({ display: 4 });
    expect([0, 3, 4].map((iteration) => schedule.isDisplayed(iteration))).to.deep.equal([true, false, true]);
    expect(schedule.isLossDue).to.equal(true);
    expect(due({ display: 5 }).schedule.isLossDue).to.equal(false);
  });

  it("snapshot at the end unless the last one was of that iteration", () => {
    const { schedule } = due({ snapshot_after_train: true });
    expect([schedule.needsLastSnapshot(-1), schedule.needsLastSnapshot(12)]).to.deep.equal([true, false]);
    expect(schedule.writesSnapshots).to.equal(true);
  });
});
