import { type Random, seededRandom } from '../../src/lab/blob-server/random.ts';
import type { DiskSpec } from '../../src/lab/disks.ts';
import { Rig } from '../../test/commands/rig.ts';
import { processes } from '../../test/faults/processes.ts';
import { drawRound, type FaultKind } from './draw.ts';
import { usualGracePeriods } from './remains.ts';
import { type Ground, playRound, type RoundResult } from './round.ts';
import { StallWatch } from './stall-watch.ts';

export interface CampaignOptions {
  readonly rounds: number;
  /** The same seed draws the same faults; when exactly they hit is up to the machine. */
  readonly seed: number;
  readonly kinds: readonly FaultKind[];
  /** Threads that send requests. */
  readonly lanes: number;
  /** Hears of each round as it ends. */
  readonly onRound?: (result: RoundResult, number: number) => void;
}

/** The last one lies in an image on the first: it is frozen before that one and thawed after it. */
const DISKS: readonly DiskSpec[] = [
  { type: 'ext4', sizeMb: 96 },
  { type: 'xfs' },
  { type: 'btrfs' },
  { type: 'ext4' },
  { type: 'ext4', sizeMb: 24, imageOn: 0 },
];

/** Sets up what the rounds share, and removes it. */
export async function withGround<Result>(
  lanes: number,
  play: (ground: Ground) => Promise<Result>,
): Promise<Result> {
  await using rig = await Rig.create(DISKS);
  using watch = new StallWatch(rig.disks.disks);
  return await play({
    rig,
    watch,
    lanes,
    urls: rig.server.urls.filter((_, index) => DISKS[index]?.imageOn === undefined),
    gracePeriods: await usualGracePeriods(),
    residents: new Set(processes().map(({ pid }) => pid)),
  });
}

/** Plays the rounds one after the other; inside the lab only. */
export async function playCampaign(options: CampaignOptions): Promise<RoundResult[]> {
  const random = seededRandom(options.seed);
  const results: RoundResult[] = [];
  while (results.length < options.rounds) {
    await withGround(options.lanes, async (ground) => {
      await playWhileSound(ground, options, random, results);
    });
  }
  return results;
}

/** A file system that is read-only now is of no more use: there have to be new ones. */
async function playWhileSound(
  ground: Ground,
  { rounds, kinds, onRound }: CampaignOptions,
  random: Random,
  results: RoundResult[],
): Promise<void> {
  while (results.length < rounds && ground.watch.readOnly.length === 0) {
    const result = await playRound(ground, drawRound(random, kinds));
    results.push(result);
    onRound?.(result, results.length);
  }
}
