import { type CutFinding, findCut, type Violation } from './cut.ts';
import type { ImageState } from './image-check.ts';
import { type Chain, stepOf } from './order.ts';
import type { PlaceFinding } from './snapshot-check.ts';

/** How many records of each chain were durable before the run began and after it had ended. */
export interface Progress {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** What one snapshot of all disks is found to be. */
export interface Verdict {
  readonly chains: readonly ChainVerdict[];
  /** Of every file system. */
  readonly states: readonly { readonly place: number; readonly state: ImageState }[];
}

export interface ChainVerdict extends CutFinding {
  readonly chain: number;
  /** The cut lies before records that were durable when the run began: not of this moment. */
  readonly stale: boolean;
  /** The cut lies after everything that was written when the run had ended. */
  readonly impossible: boolean;
}

/** @param findings of all places that are to show the same instant; of others nothing is asked */
export function judgeSnapshot(
  chains: readonly Chain[],
  findings: readonly PlaceFinding[],
  progress: Progress,
): Verdict {
  const places = new Set(findings.map(({ place }) => place));
  return {
    states: findings.map(({ place, state }) => ({ place, state })),
    chains: chains.map((chain, index) => {
      const observations = findings.flatMap((finding) => finding.observations[index] ?? []);
      const cut = findCut(chain, observations);
      return {
        ...cut,
        chain: chain.number,
        stale: cut.last < newestOn(places, chain, progress.before[index] ?? 0),
        // One record may have been under way when the last count was taken.
        impossible: cut.last > (progress.after[index] ?? 0) + 1,
      };
    }),
  };
}

/** The last of a chain's records up to `durable` that lies on one of these places; 0 if there is none. */
function newestOn(places: ReadonlySet<number>, chain: Chain, durable: number): number {
  let k = durable;
  while (k > 0 && k > durable - chain.places.length && !places.has(stepOf(chain, k).place)) {
    k -= 1;
  }
  return k > 0 && places.has(stepOf(chain, k).place) ? k : 0;
}

export interface Tally {
  /** Records, files and times that contradict a cut. */
  readonly cutViolations: number;
  readonly needRecovery: number;
  readonly damaged: number;
}

export function tally({ chains, states }: Verdict): Tally {
  const count = (kind: ImageState['kind']): number =>
    states.filter(({ state }) => state.kind === kind).length;
  const violations = chains.map(
    (it) => it.violations.length + (it.stale ? 1 : 0) + (it.impossible ? 1 : 0),
  );
  return {
    cutViolations: violations.reduce((sum, each) => sum + each, 0),
    needRecovery: count('needs-recovery'),
    damaged: count('damaged'),
  };
}

export function addTallies(a: Tally, b: Tally): Tally {
  return {
    cutViolations: a.cutViolations + b.cutViolations,
    needRecovery: a.needRecovery + b.needRecovery,
    damaged: a.damaged + b.damaged,
  };
}

export const NO_TALLY: Tally = { cutViolations: 0, needRecovery: 0, damaged: 0 };

const LINES_A_CHAIN = 3;

/** One line for each thing that is wrong, with the numbers; none for a good snapshot. */
export function describeVerdict(
  verdict: Verdict,
  nameOf: (place: number) => string,
): readonly string[] {
  const stateLines = verdict.states.flatMap(({ place, state }) =>
    state.kind === 'clean' ? [] : [`${nameOf(place)} ${state.kind}: ${state.reason}`],
  );
  return [...verdict.chains.flatMap((chain) => describeChain(chain, nameOf)), ...stateLines];
}

function describeChain(chain: ChainVerdict, nameOf: (place: number) => string): string[] {
  const prefix = `chain ${chain.chain}: `;
  const newest =
    chain.lastPlace === undefined ? '' : `record ${chain.last} is on ${nameOf(chain.lastPlace)}`;
  const lines = chain.violations
    .slice(0, LINES_A_CHAIN)
    .map((violation) => prefix + describeViolation(violation, newest, nameOf));
  const more = chain.violations.length - LINES_A_CHAIN;
  return [
    ...lines,
    ...(more > 0 ? [`${prefix}and ${more} more`] : []),
    ...(chain.stale ? [`${prefix}${newest}, but later ones were durable before the run`] : []),
    ...(chain.impossible ? [`${prefix}${newest}, which was not written yet`] : []),
  ];
}

function describeViolation(
  violation: Violation,
  newest: string,
  nameOf: (place: number) => string,
): string {
  const where = nameOf(violation.place);
  switch (violation.kind) {
    case 'missing':
      return `${newest}, but record ${violation.k} is missing on ${where}`;
    case 'misplaced':
      return `record ${violation.k} is out of place on ${where}`;
    case 'damaged':
      return `${where}: ${violation.reason}`;
  }
}
