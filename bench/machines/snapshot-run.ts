import { basename } from 'node:path/posix';
import type { RunSummary } from '../../src/report/summary.ts';
import type { CommandEnd } from './stages.ts';

/** What a run prints that ends before its window. */
interface Refusal {
  readonly code: string;
  readonly message: string;
}

/** Judges `flashfreeze snapshot --json` of a whole machine: every disk shows the instant. Pure. */
export function judgeSnapshotRun({ code, stdout, stderr }: CommandEnd): {
  readonly windowMs: number;
  readonly problems: readonly string[];
} {
  if (stdout === '') {
    return { windowMs: 0, problems: [`snapshot: exit code ${code}: ${stderr.trim()}`] };
  }
  const said: RunSummary | Refusal = JSON.parse(stdout);
  if ('message' in said) {
    return {
      windowMs: 0,
      problems: [`snapshot: exit code ${code}: ${said.code}: ${said.message}`],
    };
  }
  const { consistency, restorable, windowMs, problems, disks } = said;
  const isRight =
    code === 0 &&
    consistency === 'fileSystemConsistent' &&
    restorable &&
    disks.every(({ showsInstant }) => showsInstant);
  const verdict = `snapshot ended with ${code}, ${consistency}`;
  return {
    windowMs: windowMs.max,
    problems: [...(isRight ? [] : [verdict, ...problems]), ...disks.flatMap(mismatch)],
  };
}

/** A blob has the name of its disk. One that is matched to no disk is only slower, so a busy host is no failure. */
function mismatch(disk: RunSummary['disks'][number]): string[] {
  const isRight = disk.device === null || disk.device === `/dev/${nameOf(disk)}`;
  return isRight ? [] : [`the blob of ${nameOf(disk)} was taken for ${disk.device}`];
}

/** For each blob by its name the snapshot that the run names: there are two if a request got no answer in time. */
export function snapshotsNamed({ stdout }: CommandEnd): ReadonlyMap<string, string> {
  const { disks = [] }: Partial<RunSummary> = JSON.parse(stdout || '{}');
  return new Map(
    disks.flatMap((disk) => (disk.snapshot === null ? [] : [[nameOf(disk), disk.snapshot]])),
  );
}

function nameOf({ blob }: { readonly blob: string }): string {
  return basename(new URL(blob).pathname);
}
