import type { DeviceNumber } from '../system/device-number.ts';
import { parseFdinfo } from '../system/fdinfo.ts';
import { type ProcessView, processesNamed, theseProcesses } from '../system/processes.ts';
import type { FileSystem } from './plan-types.ts';
import { MountDevices } from './relations/mount-devices.ts';

/** Each asks the kernel for the whole resize at once, and the kernel counts that as one write. */
const PROGRAMS: ReadonlySet<string> = new Set([
  'resize2fs',
  'xfs_growfs',
  // x-systemd.growfs in fstab, after a disk has grown.
  'systemd-growfs',
]);

/** A mounted file system whose size a program changes. */
export interface Resize {
  readonly mountPoint: string;
  readonly program: string;
  readonly pid: number;
}

/**
 * The programs that resize one of the file systems now: FIFREEZE waits for their end, every writer waits behind that, and no
 * FITHAW releases anybody. The kernel shows no resize elsewhere. Reads only `/proc`, so it can be asked while something is
 * frozen or stuck.
 */
export async function readResizes(
  fileSystems: readonly Pick<FileSystem, 'mountPoint' | 'mountPoints' | 'device'>[],
  view: ProcessView = theseProcesses,
  find: (names: ReadonlySet<string>) => readonly number[] = processesNamed,
): Promise<Resize[]> {
  const found = await Promise.all(
    find(PROGRAMS).map(async (pid) => {
      const program = (await view.read(`/proc/${pid}/comm`))?.trim() ?? '';
      const opened = await openedIn(pid, view);
      return fileSystems
        .filter(({ device, mountPoints }) =>
          opened.some((it) => it.device === device && mountPoints.includes(it.path)),
        )
        .map(({ mountPoint }) => ({ mountPoint, program, pid }));
    }),
  );
  return found.flat();
}

interface Opened {
  readonly path: string;
  readonly device: DeviceNumber | undefined;
}

/** What a process has open. Each of the programs opens the mount point; it may have other files open, such as a log. */
async function openedIn(pid: number, view: ProcessView): Promise<Opened[]> {
  const devices = new MountDevices(view);
  await devices.learnFrom(pid);
  const numbers = numbersIn(await view.list(`/proc/${pid}/fd`));
  return await Promise.all(
    numbers.map(async (number) => {
      const path = (await view.link(`/proc/${pid}/fd/${number}`)) ?? '';
      const info = (await view.read(`/proc/${pid}/fdinfo/${number}`)) ?? '';
      return { path, device: devices.ofMount(parseFdinfo(info).mountId) };
    }),
  );
}

function numbersIn(names: readonly string[] | undefined): number[] {
  return (names ?? []).filter((name) => /^\d+$/.test(name)).map(Number);
}

/** A sentence for people, without a full stop. */
export function describeResize({ mountPoint, program, pid }: Resize): string {
  return `${program} (pid ${pid}) resizes ${mountPoint}, and no freeze gets through before its end, while all writers wait`;
}
