import { FlashfreezeError } from '../errors.ts';
import { isVmKnown, type Machine, machineOf, mayBeOneMachine } from '../restore-points/machine.ts';
import type { RestorePoint } from '../restore-points/restore-point.ts';

/** VMs that a message names. */
const NAMED = 5;

/** Which restore points of a machine's name are pruned, and sentences about the others. */
export interface MachineChoice {
  readonly isChosen: (point: RestorePoint) => boolean;
  readonly warnings: readonly string[];
}

/**
 * Several VMs may have one name, e.g. a restored VM and its original. After a run, only the restore points of its own VM are
 * pruned. If a machine is named, a sentence says which VMs have that name. Pure.
 *
 * @param points that the options select
 * @param host as the options name it; undefined: every machine is meant
 * @param own the machine that has run; undefined: the options alone decide
 * @throws FlashfreezeError FF_CONFIG_INVALID if the VM of `own` is not known and several machines have its name
 */
export function chooseMachine(
  points: readonly RestorePoint[],
  host: string | undefined,
  own: Machine | undefined,
): MachineChoice {
  const machines = [...new Map(points.map((it) => [machineOf(it), it])).values()];
  if (own === undefined) {
    const isWarned = host !== undefined && machines.length > 1;
    return {
      isChosen: () => true,
      warnings: isWarned
        ? [
            `--host ${host}: ${machines.length} machines have this name (${namesOf(machines)}); each of them is pruned by itself`,
          ]
        : [],
    };
  }
  if (!isVmKnown(own) && machines.length > 1) {
    throw new FlashfreezeError(
      'FF_CONFIG_INVALID',
      `[Retention]: ${machines.length} machines are named ${own.host} (${namesOf(machines)}), and the firmware of this one does not say which VM it is; expected one machine with this name. Nothing was deleted. Give each machine a name or a container of its own, or metadata or tags of its own`,
    );
  }
  const others = machines.filter((it) => !mayBeOneMachine(it, own));
  return {
    isChosen: (point) => mayBeOneMachine(point, own),
    warnings:
      others.length === 0
        ? []
        : [
            `[Retention]: the restore points of other machines that are named ${own.host} (${namesOf(others)}) are left alone; this one is VM ${own.vm}`,
          ],
  };
}

function namesOf(machines: readonly Machine[]): string {
  const names = machines.map(({ vm }) => ((vm ?? '') === '' ? 'one of an unknown VM' : `VM ${vm}`));
  const rest = names.length > NAMED ? [`${names.length - NAMED} more`] : [];
  return [...names.slice(0, NAMED), ...rest].join(', ');
}
