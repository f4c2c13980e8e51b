import { mock } from 'node:test';
import type { BackupRecord, TargetRecord, WritesSeen } from '../../../src/backup/record.ts';
import { fileSystemsBehind, scheduleInput } from '../../../src/backup/schedule/topology.ts';
import { diskBehind, disksToWatch } from '../../../src/backup/whole-set/behind.ts';
import type { SetGap } from '../../../src/backup/whole-set/describe-gap.ts';
import { gapsOf } from '../../../src/backup/whole-set/find-gaps.ts';
import {
  type DiskWatch,
  FreezeWindow,
  SLOW_FREEZE_MS,
  type WindowRecord,
} from '../../../src/backup/window.ts';
import type { WindowEffects } from '../../../src/backup/window-effects.ts';
import { WriteWatch } from '../../../src/backup/write-watch.ts';
import type { SnapshotAnswer } from '../../../src/snapshot/snapshot-types.ts';
import { FreezerOf, ServiceOf } from './kernel-and-service.ts';
import { type Machine, STARTS_AT } from './machine.ts';
import { blobOf, planOf, storageAfter } from './plan-of.ts';
import { type Hold, World } from './world.ts';

/** A deliberate fault, which the property must find. */
export type Sabotage = 'nothing' | 'no-watch' | 'late-baseline' | 'no-gaps';

/** A run that has ended, and the world in which it took place. */
export interface Played {
  readonly record: BackupRecord;
  readonly world: World;
  /** When the snapshot of each target was really taken. */
  readonly takenAt: readonly (number | undefined)[];
  /** Everything is frozen, and every counter has been read once; undefined if it never came to that. */
  readonly instant: number | undefined;
}

/** Runs a whole window with the real schedule, window and watch against simulated disks. */
export async function play(machine: Machine, sabotage: Sabotage): Promise<Played> {
  const holds = new Map<number, Hold>();
  const world = new World(machine, holds);
  const plan = planOf(machine);
  const behind = machine.targets.map((it) => it.behind);
  const clock = mock.method(process.hrtime, 'bigint', () => BigInt(world.tick()));
  mock.timers.enable({ apis: ['setTimeout'] });
  try {
    using writes = WriteWatch.open(
      behind.map(disksToWatch),
      [...plan.disks, ...(plan.otherDisks ?? [])],
      () => false,
      (name) => world.openCounter(name),
    );
    let instant: number | undefined;
    const noting = (watch: WriteWatch): DiskWatch => ({
      beforeRequests: (targets, isBarrier) => watch.beforeRequests(targets, isBarrier),
      // The same as at once, with a look at the time between its two halves.
      atBarrier: (answered) => {
        watch.atBarrier([]);
        instant = world.now;
        watch.afterAnswers(answered);
      },
      afterAnswers: (targets) => watch.afterAnswers(targets),
    });
    const freezer = new FreezerOf(machine, world, holds, (event) => window.onFreezerEvent(event));
    const service = new ServiceOf(machine, world, (event) => window.onSnapshotEvent(event));
    const window = new FreezeWindow(
      scheduleInput(plan, behind.map(diskBehind), machine),
      effectsOf(freezer, service),
      sabotage === 'late-baseline' ? lateWatch(writes, service) : noting(writes),
      [],
    );
    const ended = begin(machine, world, window);
    const { fileSystems, barrier, end } = await ended;
    const answers = service.answers();
    const seen = writes.results().map((it) => tampered(it, sabotage));
    const record = {
      plan,
      disks: answers.map((answer) => targetRecord(machine, answer, seen)),
      gaps: sabotage === 'no-gaps' ? [] : gapsAfterwards(machine),
      ...{ fileSystems, barrier, end, phases: [], orphans: [], findings: [], warnings: [] },
      earlierAttempts: [],
    };
    return { record, world, takenAt: service.takenAt, instant };
  } finally {
    mock.timers.reset();
    clock.mock.restore();
  }
}

function begin(
  { turnsSlowAt, abortsAt }: Machine,
  world: World,
  window: FreezeWindow,
): Promise<WindowRecord> {
  const ended = Promise.withResolvers<WindowRecord>();
  world.at(STARTS_AT, () => ended.resolve(window.run()));
  if (turnsSlowAt !== undefined) {
    world.at(turnsSlowAt, () => mock.timers.tick(SLOW_FREEZE_MS));
  }
  if (abortsAt !== undefined) {
    world.at(abortsAt, () => window.abort({ kind: 'deadline', stuck: window.stillFreezing() }));
  }
  world.run();
  return ended.promise;
}

function effectsOf(freezer: FreezerOf, service: ServiceOf): WindowEffects {
  return {
    freeze: (fileSystems) => freezer.freeze(fileSystems),
    thaw: (fileSystems) => freezer.thaw(fileSystems),
    fire: (targets) => service.fire(targets),
    cancelRequests: () => service.abort(),
    atBarrier: () => {},
  };
}

/** Reads for the first time when a snapshot is taken. */
function lateWatch(watch: WriteWatch, service: ServiceOf): DiskWatch {
  service.whenTaken = (target) => watch.beforeRequests([target], true);
  return {
    beforeRequests: () => {},
    atBarrier: (answered) => watch.afterAnswers(answered),
    afterAnswers: (targets) => watch.afterAnswers(targets),
  };
}

function tampered(seen: WritesSeen, sabotage: Sabotage): WritesSeen {
  const always = { kind: 'unchanged', fromNs: 0n, toNs: 1_000_000n } as const;
  switch (sabotage) {
    case 'no-watch':
      return always;
    case 'late-baseline':
      return seen.kind === 'unchanged' ? always : seen;
    default:
      return seen;
  }
}

function gapsAfterwards(machine: Machine): SetGap[] {
  const targets = machine.targets.map(({ behind }, index) => ({ name: blobOf(index), behind }));
  return gapsOf(planOf(machine), targets, machine.wishes, storageAfter(machine));
}

/** As `run.ts` makes it. */
function targetRecord(
  machine: Machine,
  answer: SnapshotAnswer,
  writes: readonly WritesSeen[],
): TargetRecord {
  const plan = planOf(machine);
  const { target } = answer;
  const behind = machine.targets[target]?.behind ?? { kind: 'one-of', disks: [] };
  const disk = diskBehind(behind);
  const disks = machine.targets.map((it) => diskBehind(it.behind));
  return {
    blob: blobOf(target),
    device: disk === undefined ? undefined : `/dev/${disk}`,
    answer,
    fileSystems: fileSystemsBehind(plan, disks, target),
    writes: writes[target] ?? { kind: 'unknown' },
    behind,
  };
}
