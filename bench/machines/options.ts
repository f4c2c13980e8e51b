import { parseArgs } from 'node:util';
import { ALL_MACHINES, type Pairing, pairingsOf } from './any-machine.ts';
import { KERNELS } from './kernels.ts';

export const USAGE = `npm run machines -- [--only NAME]... [--kernel VERSION]... [--again] [--record]
  Boots real kernels (User Mode Linux, or QEMU with an emulated processor) with real storage, runs the packaged
  program inside, compares its plan with lsblk, lvs and mdadm, takes a snapshot of every disk while ordered
  writers write on all file systems, and checks the snapshots in another boot: each is a cut, and clean on its
  disks. Some machines then break something while everything is frozen.
  Default: every machine on every kernel that it is for; what passed before with the program as it is now is not repeated.
  --only    one of ${ALL_MACHINES.map(({ name }) => name).join(', ')}
  --kernel  one of ${KERNELS.map(({ name }) => name).join(', ')}
  --again   repeats what has passed, too
  --record  keeps what the plan reads of each machine that passes as a fixture of the tests; repeats as --again does
Needs root, debootstrap and QEMU, and Debian's packages the first time. Results: build/machines/results.json.

Exit code 0 if every machine passed, 1 if not, 2 for options that cannot be meant.`;

export type Wanted =
  | { readonly kind: 'help' }
  | {
      readonly kind: 'run';
      readonly pairings: readonly Pairing[];
      readonly again: boolean;
      readonly record: boolean;
    };

/** Throws RangeError or TypeError with a message for people. */
export function parseMachines(argv: readonly string[]): Wanted {
  const { values } = parseArgs({
    args: [...argv],
    allowPositionals: false,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      kernel: { type: 'string', multiple: true, default: [] },
      again: { type: 'boolean', default: false },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) {
    return { kind: 'help' };
  }
  const machines = chosen('--only', values.only, ALL_MACHINES);
  const pairings = pairingsOf(machines, chosen('--kernel', values.kernel, KERNELS));
  if (pairings.length === 0) {
    throw new RangeError(`none of these machines is booted with the kernel ${values.kernel}`);
  }
  return {
    ...{ kind: 'run', pairings },
    again: values.again || values.record,
    record: values.record,
  };
}

/** In the order of the table; all if none is named. */
function chosen<Item extends { readonly name: string }>(
  option: string,
  names: readonly string[],
  table: readonly Item[],
): readonly Item[] {
  const known = table.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new RangeError(`${option} must be one of ${known.join(', ')}, not "${unknown}"`);
  }
  return names.length === 0 ? table : table.filter(({ name }) => names.includes(name));
}
