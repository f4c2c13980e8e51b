import { type ProcessView, theseProcesses } from './processes.ts';

/** The namespaces that the machine begins with; the kernel fixes their numbers (include/linux/proc_ns.h). */
const INITIAL_CONTROL_GROUPS = 'cgroup:[4026531835]';
const INITIAL_PROCESSES = 'pid:[4026531836]';

/**
 * True if this process sees only a part of the control groups, as in a container on a machine with control groups of
 * version 2. Then the root that it sees is no root of the machine: the whole part can be frozen or killed from outside.
 */
export async function seesOnlyOwnControlGroups(
  view: Pick<ProcessView, 'link'> = theseProcesses,
): Promise<boolean> {
  return await differs('cgroup', INITIAL_CONTROL_GROUPS, view);
}

/** True if this process sees only a part of the processes: if the first of them ends, the kernel kills all of them. */
export async function seesOnlyOwnProcesses(
  view: Pick<ProcessView, 'link'> = theseProcesses,
): Promise<boolean> {
  return await differs('pid', INITIAL_PROCESSES, view);
}

/** False if it is not known. Kernels before 4.6 have no namespaces of control groups. */
async function differs(
  name: string,
  initial: string,
  view: Pick<ProcessView, 'link'>,
): Promise<boolean> {
  const own = await view.link(`/proc/self/ns/${name}`);
  return own !== undefined && own !== initial;
}
