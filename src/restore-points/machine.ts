/** What a snapshot, a manifest or a file of a run says of the machine that ran. */
export interface Machine {
  readonly host: string;
  /** Identifier that Azure gave the VM; undefined or null if it is not known. */
  readonly vm: string | undefined | null;
}

/** Azure's identifier of a VM is unique, the name of a machine is not. Pure. */
export function machineOf({ vm, host }: Machine): string {
  return (vm ?? `host ${host}`).toLowerCase();
}

/** Whether both may be one machine: if the VM of one is not known, their names decide. Pure. */
export function mayBeOneMachine(a: Machine, b: Machine): boolean {
  return isVmKnown(a) && isVmKnown(b)
    ? machineOf(a) === machineOf(b)
    : a.host.toLowerCase() === b.host.toLowerCase();
}

/**
 * Puts what is of one machine together. What does not know its VM is of the only VM with its name; if there are several, or
 * none, it is by itself. Pure.
 */
export function byMachine<T extends { readonly machine: Machine }>(items: readonly T[]): T[][] {
  const vms = items.map(({ machine }) => machine).filter(isVmKnown);
  const nameOf = (machine: Machine): string => {
    if (isVmKnown(machine)) {
      return machineOf(machine);
    }
    const fitting = new Set(vms.filter((it) => mayBeOneMachine(it, machine)).map(machineOf));
    const [only, ...others] = fitting;
    return only === undefined || others.length > 0 ? machineOf(machine) : only;
  };
  return [...Map.groupBy(items, ({ machine }) => nameOf(machine)).values()];
}

/** Whether Azure's identifier of the VM is known. Pure. */
export function isVmKnown({ vm }: Machine): boolean {
  return (vm ?? undefined) !== undefined;
}
