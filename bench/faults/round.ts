import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ControlGroup } from '../../src/lab/control-group.ts';
import type { Rig } from '../../test/commands/rig.ts';
import { type Ending, RunningCommand } from '../../test/faults/running-command.ts';
import {
  blocksWrite,
  type Drawn,
  endsWorker,
  type FaultKind,
  isAboutGroup,
  killsBoth,
  killsThaw,
  leavesAlone,
} from './draw.ts';
import {
  faultsOfEnding,
  faultsOfUndisturbed,
  isFrozenStage,
  longestStallMs,
  type Seen,
  type Stage,
  stageAt,
} from './findings.ts';
import { rescue, strayProcesses, untilGracePeriodsAre } from './remains.ts';
import type { StallWatch } from './stall-watch.ts';
import { isSabotage, type Strike, strike } from './strike.ts';
import { type Surroundings, surround } from './surroundings.ts';

/** `--timeout` of every run. */
export const TIMEOUT_MS = 800;
/** `--timeout` of a run that nobody disturbs, and which therefore has to succeed on a busy machine too. */
const UNDISTURBED_TIMEOUT_MS = 10_000;
/** Nothing stays frozen longer: the deadline, and what the issue allows beyond it. */
export const LIMIT_MS = TIMEOUT_MS + 1_000;
/** For a disturbed command to end once it can; it waits for what does not answer, 2 s at a time. */
const END_LIMIT_MS = 12_000;
/**
 * For a killed process to end. Its FITHAW of an image on another file system may wait for that one to be thawed, which the
 * next command does.
 */
const KILLED_LIMIT_MS = 1_000;
/** That a thread of the worker is blocked in a write to. */
const BLOCKED_DISK = 3;
const FIXTURES = join(import.meta.dirname, '../../test/faults/fixtures');
/** For a command that does not end, to say why. */
const SAYING_LIMIT_MS = 500;

/** What the rounds share. */
export interface Ground {
  readonly rig: Rig;
  /** Blobs of the disks that snapshots are taken of; that of file system n is `disk<n>`. */
  readonly urls: readonly string[];
  readonly watch: StallWatch;
  /** Threads that send requests. */
  readonly lanes: number;
  /** What must stand in /sys/kernel/rcu_expedited after each round. */
  readonly gracePeriods: string;
  /** Processes that are there before and after. */
  readonly residents: ReadonlySet<number>;
}

export interface RoundResult {
  readonly drawn: Drawn;
  /** Undefined if the run had ended before the fault could hit. */
  readonly stage: Stage | undefined;
  /** Something had to be thawed here that should have been thawed before. */
  readonly leftFrozen: boolean;
  /**
   * From the fault, or from the next start where both were killed, until everything could be written
   * again; undefined if nothing was frozen.
   */
  readonly recoveryMs: number | undefined;
  /**
   * File systems that refuse writes since, through no fault of whoever thawed: see `isKernelsDoing`.
   */
  readonly readOnly: readonly string[];
  /** What else was wrong, in words. */
  readonly problems: readonly string[];
}

/** One run with one fault, and everything that must hold afterwards. */
export async function playRound(ground: Ground, drawn: Drawn): Promise<RoundResult> {
  const { rig, urls, watch } = ground;
  await setLatency(ground, drawn.latencyMs);
  const known = (await rig.server.requests()).length;
  await using group = isAboutGroup(drawn.kind) ? ControlGroup.create('unified') : undefined;
  await using surroundings = await surround(rig, drawn);
  watch.forget();
  using command = startCommand(ground, drawn, group);
  const struck = await strike(command, drawn, group, surroundings);
  const aftermath = await followUp(ground, drawn, command, struck);
  const around = await endOfSurroundings(surroundings, drawn);
  const requests = (await rig.server.requests())
    .slice(known)
    .filter(({ operation }) => operation === 'snapshot');
  const seen: Seen = { writes: watch.writes, requests };
  const stage = struck && stageOf(struck, seen, urls.length);
  const { leftFrozen, recoveredNs, sinceNs } = aftermath;
  return {
    drawn,
    stage,
    leftFrozen,
    recoveryMs:
      stage !== undefined && isFrozenStage(stage) && recoveredNs !== undefined
        ? Number(recoveredNs - sinceNs) / 1e6
        : undefined,
    readOnly: watch.readOnly,
    problems: [
      ...aftermath.problems,
      ...around,
      ...watch.readOnly
        .filter((mountPoint) => !isKernelsDoing(ground, drawn, mountPoint))
        .map((mountPoint) => `${mountPoint} is read-only now`),
      ...problemsOfEnding(aftermath, drawn, struck, seen),
      ...(killsBoth(drawn.kind) || leftFrozen ? [] : tooLong(seen)),
      ...(await remainsOf(ground)),
    ],
  };
}

function problemsOfEnding(
  { ending }: Aftermath,
  { kind, signal }: Drawn,
  struck: Strike | undefined,
  seen: Seen,
): string[] {
  if (ending === undefined) {
    return [];
  }
  const hasToSucceed = struck === undefined || (leavesAlone(kind) && signal === undefined);
  return [
    ...faultsOfEnding(ending, seen, signal === 'SIGTERM'),
    ...(hasToSucceed ? faultsOfUndisturbed(ending) : []),
  ];
}

/** What was wrong with them; nothing of them is left. */
async function endOfSurroundings(
  surroundings: Surroundings | undefined,
  drawn: Drawn,
): Promise<string[]> {
  const problems = (await surroundings?.problems(endsWorker(drawn))) ?? [];
  await surroundings?.[Symbol.asyncDispose]();
  return problems;
}

function stageOf({ atNs, isArmed }: Strike, seen: Seen, disks: number): Stage {
  return isArmed ? stageAt(atNs, seen, disks) : 'before';
}

/**
 * btrfs makes itself read-only when the task that calls FITHAW is killed while it reads the superblock
 * back: the read is interrupted, and btrfs takes that for damage ("super block on devid 1 got
 * modified unexpectedly", errno -4; seen on Linux 6.18, once in 20 kills within 200 µs of the call).
 */
function isKernelsDoing({ rig }: Ground, drawn: Drawn, mountPoint: string): boolean {
  const disk = rig.disks.disks.find((it) => it.mountPoint === mountPoint);
  return disk?.type === 'btrfs' && killsThaw(drawn);
}

function tooLong(seen: Seen): string[] {
  const stallMs = longestStallMs(seen);
  return stallMs <= LIMIT_MS ? [] : [`a writer stood still for ${stallMs.toFixed(0)} ms`];
}

async function setLatency({ rig, urls }: Ground, ms: number): Promise<void> {
  await Promise.all(
    urls.map((_, index) => rig.server.setLatency(`disk${index}`, { kind: 'fixed', ms })),
  );
}

function snapshotArguments({ urls, lanes }: Ground, timeoutMs: number): string[] {
  return [
    ...['snapshot', '--json', '--timeout', String(timeoutMs / 1_000), '--lanes', String(lanes)],
    ...urls.flatMap((url) => ['--blob', url]),
  ];
}

/** `ulimit -c`: as far as the machine lets it, it dumps core, or it does not. */
const CORE_LIMITS: Readonly<Partial<Record<FaultKind, string>>> = {
  'crash-worker': 'unlimited',
  'crash-worker-no-dump': '0',
};

function startCommand(
  ground: Ground,
  drawn: Drawn,
  group: ControlGroup | undefined,
): RunningCommand {
  const loaded = ['what-keeps.ts', ...(isSabotage(drawn.kind) ? ['saboteur.ts'] : [])];
  const environment = {
    NODE_OPTIONS: loaded.map((name) => `--import=${join(FIXTURES, name)}`).join(' '),
    FLASHFREEZE_TEST_SABOTAGE: sabotageOf(ground, drawn),
  };
  const coreLimit = CORE_LIMITS[drawn.kind];
  const limited =
    coreLimit === undefined ? [] : ['sh', '-c', `ulimit -c ${coreLimit}; exec "$@"`, 'sh'];
  const under = [...(group?.entering ?? []), ...limited];
  return RunningCommand.start(snapshotArguments(ground, TIMEOUT_MS), { environment, under });
}

/** As fixtures/saboteur.ts reads it. */
function sabotageOf({ watch }: Ground, { kind, lastsMs = 0, thread }: Drawn): string {
  const file = join(watch.mountPoints.at(BLOCKED_DISK) ?? '', 'blocked');
  return blocksWrite(kind) ? `blocked-write ${thread} ${file}` : `${kind} ${lastsMs}`;
}

interface Aftermath {
  readonly leftFrozen: boolean;
  readonly sinceNs: bigint;
  readonly recoveredNs: bigint | undefined;
  /** Of a command that nobody killed. */
  readonly ending: Ending | undefined;
  readonly problems: readonly string[];
}

/** Waits for everything to be writable, sets going what was stopped, waits for the command's end. */
async function followUp(
  ground: Ground,
  drawn: Drawn,
  command: RunningCommand,
  struck: Strike | undefined,
): Promise<Aftermath> {
  if (struck !== undefined && killsBoth(drawn.kind)) {
    return await afterBothWereKilled(ground, command);
  }
  const sinceNs = struck?.atNs ?? process.hrtime.bigint();
  const resumed = drawn.lastsMs === undefined ? undefined : delay(drawn.lastsMs);
  void resumed?.then(struck?.resume);
  let recoveredNs = await ground.watch.writable(sinceNs, LIMIT_MS);
  const leftFrozen = recoveredNs === undefined;
  if (leftFrozen) {
    await rescue(ground.watch.mountPoints);
  }
  await resumed;
  struck?.resume();
  const ending = await endOf(command);
  // A freeze may have come after the fault.
  const last = await ground.watch.writable(process.hrtime.bigint(), LIMIT_MS);
  if (last === undefined) {
    await rescue(ground.watch.mountPoints);
  }
  recoveredNs ??= last;
  return {
    leftFrozen: leftFrozen || last === undefined,
    sinceNs,
    recoveredNs,
    ending:
      struck !== undefined && (endsWorker(drawn) || endedBySabotage(drawn, ending))
        ? undefined
        : ending,
    problems: ending === undefined ? [`the command did not end:\n${command.stderr}`] : [],
  };
}

/** At its very end a process has no handlers any more: the signal to the saboteur then ends it. */
function endedBySabotage({ kind }: Drawn, ending: Ending | undefined): boolean {
  return isSabotage(kind) && ending?.signal === 'SIGUSR2';
}

/** Undefined if it does not end; it is killed then. */
async function endOf(command: RunningCommand): Promise<Ending | undefined> {
  const ending = await Promise.race([
    command.ended,
    delay(END_LIMIT_MS, undefined, { ref: false }),
  ]);
  if (ending === undefined) {
    // See fixtures/what-keeps.ts.
    command.signal('SIGURG');
    await Promise.race([command.ended, delay(SAYING_LIMIT_MS)]);
    command.signal('SIGKILL');
  }
  return ending;
}

/** The next start of any command sees to what they left. */
async function afterBothWereKilled(ground: Ground, killed: RunningCommand): Promise<Aftermath> {
  await Promise.race([killed.exited, delay(KILLED_LIMIT_MS)]);
  const sinceNs = process.hrtime.bigint();
  using next = RunningCommand.start(snapshotArguments(ground, UNDISTURBED_TIMEOUT_MS));
  const ending = await endOf(next);
  const recoveredNs = await ground.watch.writable(sinceNs, LIMIT_MS);
  if (recoveredNs === undefined) {
    await rescue(ground.watch.mountPoints);
  }
  return {
    leftFrozen: recoveredNs === undefined,
    sinceNs,
    recoveredNs,
    ending,
    problems: ending?.exitCode === 0 ? [] : [`the next run failed:\n${reasonsOf(ending, next)}`],
  };
}

/** What it says went wrong; what it was doing if it says nothing. */
function reasonsOf(ending: Ending | undefined, { stderr }: RunningCommand): string {
  const problems = ending?.stdout.match(/"problems": \[[^\]]*\]/)?.[0] ?? '';
  return `${problems}${stderr.trim().slice(-600)}`;
}

async function remainsOf({ gracePeriods, residents }: Ground): Promise<string[]> {
  const strays = await strayProcesses(residents);
  const value = await untilGracePeriodsAre(gracePeriods);
  return [
    ...strays.map(({ pid, executable }) => `process ${pid} (${executable}) was left and killed`),
    ...(value === gracePeriods ? [] : [`rcu_expedited is ${value}, not ${gracePeriods}`]),
  ];
}
