import type { DiskSummary, RunSummary } from './summary.ts';

type Judged = Pick<RunSummary, 'consistency' | 'restorable' | 'disks' | 'problems'>;

/** The problems of a run in the order in which a reader needs them. */
export interface Headline {
  /** What the run is worth and why; undefined if it is worth what was asked for. */
  readonly text: string | undefined;
  /** Why the first disk of the cause failed, and what to do; undefined if the text says it. */
  readonly advice: string | undefined;
  /** Problems of the whole run. */
  readonly general: readonly string[];
  /** Problems of disks, folded if several disks have the same one. */
  readonly ofDisks: readonly DiskProblem[];
}

export interface DiskProblem {
  readonly what: string;
  /** File names of their blobs, in the order of the run. */
  readonly disks: readonly string[];
}

/** Names that stand in a sentence; the others are counted. */
const NAMED = 3;

/** Tells the cause of a failure from its consequences, which every disk of a set may have. Pure. */
export function headlineOf(summary: Judged): Headline {
  const { general, ofDisks } = sortProblems(summary);
  const causes = causesAmong(summary.disks);
  const [cause] = causes;
  const worth = summary.consistency === 'none' ? 'Not usable' : 'Less than asked';
  if (summary.restorable) {
    return { text: undefined, advice: undefined, general, ofDisks };
  }
  if (general[0] !== undefined) {
    return { text: `${worth}: ${general[0]}`, advice: undefined, general, ofDisks };
  }
  if (cause !== undefined) {
    const did = causes.every(isRefused) ? 'refused' : 'failed';
    const names = listed(causes.map(({ blob }) => fileNameOf(blob)));
    return {
      text: `${worth}: ${causes.length} of ${summary.disks.length} disks ${did} (${names})`,
      advice: cause.error ?? undefined,
      general,
      ofDisks,
    };
  }
  const [first] = ofDisks;
  const text = first === undefined ? undefined : `${worth}: ${sentenceOf(first)}`;
  return { text, advice: undefined, general, ofDisks };
}

/** `disk3.vhd: why`, or `63 disks: why (disk0.vhd, disk1.vhd, disk2.vhd and 60 more)`. */
export function sentenceOf({ what, disks }: DiskProblem): string {
  const [only] = disks;
  return disks.length === 1 && only !== undefined
    ? `${only}: ${what}`
    : `${disks.length} disks: ${what} (${listed(disks)})`;
}

export function fileNameOf(blob: string): string {
  return blob.slice(blob.lastIndexOf('/') + 1);
}

function listed(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return rest <= 0 ? names.join(', ') : `${names.slice(0, NAMED).join(', ')} and ${rest} more`;
}

/** Disks whose request was not sent failed because of others. */
function causesAmong(disks: readonly DiskSummary[]): DiskSummary[] {
  const failed = disks.filter(({ error }) => error !== null);
  const sent = failed.filter(({ attempts }) => attempts > 0);
  return sent.length > 0 ? sent : failed;
}

function isRefused({ httpStatus }: DiskSummary): boolean {
  return httpStatus !== null && httpStatus >= 300;
}

/** Times of snapshots differ although the problem is the same. */
const SNAPSHOT_TIME = / \d{4}-\d\d-\d\dT[\d:.]+Z/g;

function sortProblems({ disks, problems }: Judged): Pick<Headline, 'general' | 'ofDisks'> {
  const general: string[] = [];
  const ofDisks = new Map<string, { what: string; disks: string[] }>();
  for (const problem of problems) {
    const [name, blob] = diskNamedIn(problem, disks) ?? [];
    if (name === undefined || blob === undefined) {
      general.push(problem);
      continue;
    }
    const what = problem.slice(`${name}: `.length);
    const key = what.replace(SNAPSHOT_TIME, '');
    const known = ofDisks.get(key);
    if (known === undefined) {
      ofDisks.set(key, { what, disks: [fileNameOf(blob)] });
    } else {
      known.what = key;
      known.disks.push(fileNameOf(blob));
    }
  }
  return { general, ofDisks: [...ofDisks.values()] };
}

/** The name with which a sentence about a disk begins, and the blob of that disk. */
function diskNamedIn(
  problem: string,
  disks: readonly DiskSummary[],
): readonly [name: string, blob: string] | undefined {
  for (const { device, blob } of disks) {
    const names = [`${device} (${blob})`, blob];
    const name = names.find((it) => problem.startsWith(`${it}: `));
    if (name !== undefined) {
      return [name, blob];
    }
  }
  return undefined;
}
