import type { MachineFileSystem } from './machine.ts';
import { type Machine, OS_DISK } from './machine.ts';
import { disksUnderArray, disksUnderMount, disksUnderVolume, type Truth } from './truth.ts';

/** Of `flashfreeze plan --json`. */
export interface SeenPlan {
  readonly fileSystems: readonly {
    readonly mountPoint: string;
    readonly type: string;
    readonly disks: readonly string[];
  }[];
  readonly excluded: readonly { readonly mountPoint: string; readonly reason: string }[];
}

/** One line for each difference between the plan, the machine's tools and what was made; none if all agree. Pure. */
export function comparePlan(
  plan: SeenPlan,
  truth: Truth,
  machine: Pick<Machine, 'fileSystems' | 'excluded'>,
): string[] {
  const expected: readonly MachineFileSystem[] = [
    ...machine.fileSystems,
    { at: '/', type: 'ext4', device: `/dev/${OS_DISK}1` },
  ];
  const known = new Set(expected.map(({ at }) => at));
  const surplus = plan.fileSystems.filter(({ mountPoint }) => !known.has(mountPoint));
  return [
    ...expected.flatMap((it) => compareFileSystem(plan, truth, it)),
    ...surplus.map(
      ({ mountPoint, type }) => `${mountPoint} (${type}) is in the plan, not expected`,
    ),
    ...(machine.excluded ?? []).flatMap(({ at, reason }) => {
      const found = plan.excluded.find(({ mountPoint }) => mountPoint === at);
      return found?.reason === reason
        ? []
        : [`${at}: expected to be excluded as ${reason}, is ${found?.reason ?? 'not excluded'}`];
    }),
  ];
}

function compareFileSystem(plan: SeenPlan, truth: Truth, expected: MachineFileSystem): string[] {
  const { at, type, also = [] } = expected;
  const planned = plan.fileSystems.find(({ mountPoint }) => mountPoint === at);
  if (planned === undefined) {
    const reason = plan.excluded.find(({ mountPoint }) => mountPoint === at)?.reason;
    return [`${at} (${type}) is not in the plan${reason === undefined ? '' : ` (${reason})`}`];
  }
  if (planned.type !== type) {
    return [`${at}: type ${planned.type} in the plan, expected ${type}`];
  }
  return toolsOf(truth, expected).flatMap(({ tool, disks }) => {
    const wanted = list(new Set([...disks, ...also]));
    const has = list(new Set(planned.disks));
    return wanted === has ? [] : [`${at}: on ${has} in the plan, on ${wanted} by ${tool}`];
  });
}

/** What each tool that knows of the device says lies under it. */
function toolsOf(
  truth: Truth,
  { at, device }: MachineFileSystem,
): readonly { readonly tool: string; readonly disks: ReadonlySet<string> }[] {
  const [, first = '', second] = /^\/dev\/([^/]+)(?:\/([^/]+))?$/.exec(device) ?? [];
  const isVolume = truth.lvs.report.some(({ lv }) => lv.some(({ vg_name }) => vg_name === first));
  const array = /^md\d/.test(first) && truth.md[first] !== undefined ? first : undefined;
  return [
    device.startsWith('/dev/')
      ? { tool: 'lsblk', disks: disksUnderMount(truth.lsblk, at) }
      : // lsblk does not look for what holds an image.
        { tool: 'the table of machines', disks: new Set<string>() },
    ...(isVolume && second !== undefined
      ? [{ tool: 'lvs', disks: disksUnderVolume(truth, first, second) }]
      : []),
    ...(array === undefined ? [] : [{ tool: 'mdadm', disks: disksUnderArray(truth, array) }]),
  ];
}

function list(names: ReadonlySet<string>): string {
  return [...names].sort().join(' ') || 'nothing';
}
