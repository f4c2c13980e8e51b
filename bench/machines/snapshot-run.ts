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
  const blobOf = (blob: string): string => basename(new URL(blob).pathname);
  const torn = disks.filter(({ showsInstant }) => !showsInstant).map(({ blob }) => blobOf(blob));
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
