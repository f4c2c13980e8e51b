import { basename } from 'node:path/posix';
import type { RunSummary } from '../../src/report/summary.ts';
import type { CommandEnd } from './stages.ts';

/** Judges `flashfreeze snapshot --json` of a whole machine. Pure. @param ownWrites disks that md writes to itself */
export function judgeSnapshotRun(
  { code, stdout, stderr }: CommandEnd,
  ownWrites: readonly string[],
): { windowMs: number; problems: string[] } {
  if (stdout === '') {
    return { windowMs: 0, problems: [`snapshot: exit code ${code}: ${stderr.trim()}`] };
  }
  const summary = JSON.parse(stdout) as RunSummary;
  const { consistency, restorable, windowMs, problems, disks } = summary;
  const torn = disks.filter(({ showsInstant }) => !showsInstant).map(nameOf);
  const unexpected = torn.filter((name) => !ownWrites.includes(name));
  const isWhole = torn.length === 0;
  const isRight =
    code === (isWhole ? 0 : 1) &&
    consistency === (isWhole ? 'fileSystemConsistent' : 'crashConsistent') &&
    restorable === isWhole &&
    unexpected.length === 0;
  const verdict = `snapshot ended with ${code}, ${consistency}`;
  return { windowMs: windowMs.max, problems: isRight ? [] : [verdict, ...problems] };
}

/** For each blob by its name the snapshot that the run names: there are two where a request got no answer in time. */
export function snapshotsNamed({ stdout }: CommandEnd): ReadonlyMap<string, string> {
  const { disks } = JSON.parse(stdout === '' ? '{"disks":[]}' : stdout) as Pick<
    RunSummary,
    'disks'
  >;
  return new Map(
    disks.flatMap((disk) => (disk.snapshot === null ? [] : [[nameOf(disk), disk.snapshot]])),
  );
}

function nameOf({ blob }: { readonly blob: string }): string {
  return basename(new URL(blob).pathname);
}
