import {
  type ProcessorTime,
  type RecordedDisk,
  type RecordedOptions,
  type RecordedRun,
  runRecorded,
} from './peers/recorded.ts';
import { lengthMs, overlaps, type ProbePeriod, type Span } from './probe/figures.ts';
import type { Rig } from './rig.ts';

/** Every step of one disk, what the server and the writer saw included. */
export interface Steps extends RecordedDisk {
  readonly receivedMs: number;
  readonly answeredMs: number;
  /** The end of the last write before and of the first one after. */
  readonly writer: Span;
}

export interface AnatomyRun {
  readonly barrierMs: number;
  readonly disks: readonly Steps[];
  readonly cpu: readonly ProcessorTime[];
}

/**
 * Takes one snapshot with the command, and tells every step of it.
 *
 * @throws Error if the run fails, or if the probe's figures contradict it
 */
export async function takeApart(rig: Rig, options: RecordedOptions): Promise<AnatomyRun> {
  rig.probe.begin();
  const run = await runRecorded(rig, options);
  const period = await rig.probe.end();
  const spans = (await rig.snapshotSpans(period.startMs)) ?? [];
  const disks = stepsOf(run, period, spans);
  const wrong = disks.find((disk) => !agrees(disk));
  if (wrong !== undefined) {
    throw new Error(
      `what is noted of ${wrong.mountPoint} is not what its writer and the server saw`,
    );
  }
  return { barrierMs: run.barrierMs, disks, cpu: run.cpu };
}

/**
 * All stamps are of one clock: the server receives no request before it is sent, and no write ends between the freeze and
 * the thaw. (A writer that lost its processor notes the end of its last write late, so the beginning of its pause proves
 * nothing, and nor does the server's note of its answer.)
 */
function agrees({
  frozenMs,
  firedMs,
  receivedMs,
  acknowledgedMs,
  thawStartMs,
  writer,
}: Steps): boolean {
  const inOrder = [frozenMs, firedMs, receivedMs, acknowledgedMs, thawStartMs, writer.endMs];
  return inOrder.every((ms, index) => ms > (inOrder[index - 1] ?? 0));
}

function stepsOf(
  { disks }: RecordedRun,
  { probes }: ProbePeriod,
  spans: readonly (Span | undefined)[],
): Steps[] {
  return disks.map((disk, index) => {
    const span = spans[index] ?? { startMs: 0, endMs: 0 };
    const around = (probes[index]?.pauses ?? []).filter((pause) => overlaps(pause, span));
    const writer = around.toSorted((a, b) => lengthMs(b) - lengthMs(a))[0] ?? span;
    return { ...disk, receivedMs: span.startMs, answeredMs: span.endMs, writer };
  });
}

/** From one step of a disk to the next, in ms. */
export interface Segment {
  readonly name: string;
  readonly of: (disk: Steps, run: AnatomyRun) => number;
}

export const SEGMENTS: readonly Segment[] = [
  {
    name: 'writer’s last write → window begun',
    of: (disk) => disk.askedFreezeMs - disk.writer.startMs,
  },
  {
    name: 'window begun → FIFREEZE entered',
    of: (disk) => disk.freezeStartMs - disk.askedFreezeMs,
  },
  { name: 'FIFREEZE', of: (disk) => disk.frozenMs - disk.freezeStartMs },
  { name: 'frozen → main thread hears', of: (disk) => disk.heardFrozenMs - disk.frozenMs },
  { name: 'heard → fire asked for', of: (disk) => disk.askedFireMs - disk.heardFrozenMs },
  { name: 'fire asked for → request written', of: (disk) => disk.firedMs - disk.askedFireMs },
  { name: 'written → server receives', of: (disk) => disk.receivedMs - disk.firedMs },
  { name: 'server', of: (disk) => disk.answeredMs - disk.receivedMs },
  { name: 'answered → lane has the answer', of: (disk) => disk.acknowledgedMs - disk.answeredMs },
  {
    name: 'answer in → main thread hears',
    of: (disk) => disk.heardAcknowledgedMs - disk.acknowledgedMs,
  },
  { name: 'heard → thaw asked for', of: (disk) => disk.askedThawMs - disk.heardAcknowledgedMs },
  { name: 'asked to thaw → FITHAW entered', of: (disk) => disk.thawStartMs - disk.askedThawMs },
  { name: 'FITHAW', of: (disk) => disk.thawedMs - disk.thawStartMs },
  {
    name: 'FITHAW returned → writer’s next write done',
    of: (disk) => disk.writer.endMs - disk.thawedMs,
  },
  {
    name: 'own stamps: FIFREEZE entered → FITHAW returned',
    of: (disk) => disk.thawedMs - disk.freezeStartMs,
  },
  { name: 'writer: last write → next write', of: (disk) => lengthMs(disk.writer) },
];

const earliest = (run: AnatomyRun, of: (disk: Steps) => number): number =>
  Math.min(...run.disks.map(of));
const latest = (run: AnatomyRun, of: (disk: Steps) => number): number =>
  Math.max(...run.disks.map(of));

/** From one milestone of the whole run to the next. */
export const MILESTONES: readonly {
  readonly name: string;
  readonly at: (run: AnatomyRun) => number;
}[] = [
  { name: 'window begun', at: (run) => earliest(run, (it) => it.askedFreezeMs) },
  { name: 'first FIFREEZE entered', at: (run) => earliest(run, (it) => it.freezeStartMs) },
  { name: 'last FIFREEZE entered', at: (run) => latest(run, (it) => it.freezeStartMs) },
  { name: 'last FIFREEZE returned (barrier)', at: (run) => run.barrierMs },
  { name: 'last freeze heard', at: (run) => latest(run, (it) => it.heardFrozenMs) },
  { name: 'last fire asked for', at: (run) => latest(run, (it) => it.askedFireMs) },
  { name: 'last request written', at: (run) => latest(run, (it) => it.firedMs) },
  { name: 'last request at the server', at: (run) => latest(run, (it) => it.receivedMs) },
  { name: 'last answer sent', at: (run) => latest(run, (it) => it.answeredMs) },
  { name: 'last answer in', at: (run) => latest(run, (it) => it.acknowledgedMs) },
  { name: 'last answer heard', at: (run) => latest(run, (it) => it.heardAcknowledgedMs) },
  { name: 'last thaw asked for', at: (run) => latest(run, (it) => it.askedThawMs) },
  { name: 'last FITHAW entered', at: (run) => latest(run, (it) => it.thawStartMs) },
  { name: 'last FITHAW returned', at: (run) => latest(run, (it) => it.thawedMs) },
  { name: 'last writer writes again', at: (run) => latest(run, (it) => it.writer.endMs) },
];
