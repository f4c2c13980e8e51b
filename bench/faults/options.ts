import { parseArgs } from 'node:util';
import { DEFAULT_LANES } from '../../src/snapshot/blob/lane-pool.ts';
import { parseCount } from '../../test/options.ts';
import { FAULT_KINDS, type FaultKind } from './draw.ts';

export const USAGE = `npm run faults -- [--rounds N] [--seed N] [--lanes N] [--fault KIND]...
  Disturbs real runs on real disks at random moments and checks that nothing stays frozen.
  Default: 300 rounds, seed 1, all kinds: ${FAULT_KINDS.join(', ')}

Exit code 0 if every round was good, 1 if not, 2 for options that cannot be meant.`;

export type Wanted =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'campaign';
      readonly rounds: number;
      readonly seed: number;
      /** Threads that send requests. */
      readonly lanes: number;
      readonly kinds: readonly FaultKind[];
    };

/** Throws RangeError or TypeError with a message for people. */
export function parseCampaign(argv: readonly string[]): Wanted {
  const { values } = parseArgs({
    args: [...argv],
    allowPositionals: false,
    options: {
      rounds: { type: 'string', default: '300' },
      seed: { type: 'string', default: '1' },
      lanes: { type: 'string', default: String(DEFAULT_LANES) },
      fault: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    return { kind: 'help' };
  }
  const unknown = values.fault.find((name) => !FAULT_KINDS.some((kind) => kind === name));
  if (unknown !== undefined) {
    throw new RangeError(`--fault must be one of ${FAULT_KINDS.join(', ')}, not "${unknown}"`);
  }
  const kinds = FAULT_KINDS.filter((kind) => values.fault.includes(kind));
  return {
    kind: 'campaign',
    rounds: parseCount('--rounds', values.rounds, 1, 1_000_000),
    seed: parseCount('--seed', values.seed, 0, 2 ** 32 - 1),
    lanes: parseCount('--lanes', values.lanes, 1, 16),
    kinds: kinds.length === 0 ? FAULT_KINDS : kinds,
  };
}
