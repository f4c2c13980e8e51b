import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ContenderSamples, compare } from '../comparison.ts';
import { ManagedRig, type Pace } from '../managed-rig.ts';
import {
  addLabOptions,
  count,
  type LabScenarioOptions,
  rigOptions,
  type SlowDisks,
  slowDisks,
} from '../options.ts';
import { flashfreeze } from '../peers/flashfreeze.ts';
import { managedFloor } from '../peers/floor.ts';
import { defineScenario } from '../scenario.ts';
import { renderManaged } from './managed-report.ts';

export interface ManagedScenarioOptions extends LabScenarioOptions {
  readonly disks: number;
  /** Seconds. */
  readonly operations: readonly number[];
  readonly slow: SlowDisks;
}

/** One way in which operations go, and what was measured then. */
export interface PacedComparison {
  readonly name: string;
  /** So many disks, the first, are slower than the others. */
  readonly slowDisks: number;
  readonly pace: Pace;
  /** flashfreeze, and the floor. */
  readonly contenders: readonly ContenderSamples[];
}

type Case = Omit<PacedComparison, 'contenders'> & { readonly slowPace?: Pace };

/** A VM has no more. */
const MOST_DISKS = 65;
/** So long before the first question the operation has ended. */
const SPARE_MS = 50;
/** The one recording of the operation of a snapshot (managed-disks.md). */
const RECORDED: Pace = { operationMs: 390, retryAfterSeconds: 2 };

export const managed = defineScenario<ManagedScenarioOptions, readonly PacedComparison[]>({
  name: 'managed',
  summary: 'Managed disks: the stall beside the floor, with operations of several lengths',
  addOptions: (command: Command) => {
    command
      .option('--disks <count>', `number of disks, at most ${MOST_DISKS}`, managedDisks, 64)
      .option(
        '--operations <seconds>',
        'lengths of the operations, one after the other; the service asks for the same pause until the first question',
        wholeSeconds,
        [1, 3, 10],
      )
      .addOption(
        new Option(
          '--slow <disks:ms>',
          'once more with the first length, but the operations of so many disks take so long (whole seconds)',
        )
          .argParser(slowWholeSeconds)
          .default({ disks: 1, latencyMs: 10_000 } satisfies SlowDisks, '1:10000'),
      );
    addLabOptions(command, { rounds: 7 });
  },
  measure: async (options, progress) => {
    await using rig = await ManagedRig.create(rigOptions(options, options.disks));
    const figures: PacedComparison[] = [];
    for (const { slowPace, ...each } of casesOf(options)) {
      const slow = slowPace === undefined ? undefined : { disks: each.slowDisks, pace: slowPace };
      await rig.setPace(each.pace, slow);
      const say = (line: string): void => progress(`${each.name}: ${line}`);
      const contenders = [flashfreeze({ managed: true }), managedFloor()];
      figures.push({ ...each, contenders: await compare(rig, contenders, options, say) });
    }
    return figures;
  },
  render: renderManaged,
});

function casesOf({ operations, slow }: ManagedScenarioOptions): Case[] {
  const even = operations.map(
    (seconds): Case => ({ name: `${seconds} s`, slowDisks: 0, pace: paceOf(seconds) }),
  );
  const [first = 1] = operations;
  const slowSeconds = slow.latencyMs / 1_000;
  return [
    ...even,
    {
      name: `${first} s, ${slow.disks} of ${slowSeconds} s`,
      slowDisks: slow.disks,
      pace: paceOf(first),
      slowPace: paceOf(slowSeconds),
    },
    { name: `${RECORDED.operationMs / 1_000} s, as recorded`, slowDisks: 0, pace: RECORDED },
  ];
}

/** The first question finds the operation at its end, so that no pause hides what the tool adds. */
function paceOf(seconds: number): Pace {
  return { operationMs: seconds * 1_000 - SPARE_MS, retryAfterSeconds: seconds };
}

export function managedDisks(text: string): number {
  const disks = count(text);
  if (disks > MOST_DISKS) {
    throw new InvalidArgumentError(`A VM has at most ${MOST_DISKS} disks.`);
  }
  return disks;
}

/** `1,3,10` */
export function wholeSeconds(text: string): number[] {
  return text.split(',').map(count);
}

/** As `slowDisks`; Retry-After knows whole seconds only. */
export function slowWholeSeconds(text: string): SlowDisks {
  const slow = slowDisks(text);
  if (slow.latencyMs === 0 || slow.latencyMs % 1_000 !== 0) {
    throw new InvalidArgumentError('Expected whole seconds in ms, e.g. 1:10000.');
  }
  return slow;
}
