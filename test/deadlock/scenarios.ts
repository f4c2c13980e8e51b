import { join } from 'node:path';
import { LabDisks } from '../../src/lab/disks.ts';
import { DaemonProcess, type LogHabit } from './daemon-process.ts';
import { Openers } from './openers.ts';
import { DeadlockScenario, type ScenarioOptions, type ScenarioParts } from './scenario.ts';
import { ServedDisk } from './served-disk.ts';

/** How long a permission daemon takes to inspect a file, so that openers queue up. */
const SCAN_MS = 2;
/** How long each write to the image takes in the cycle, so that B is not frozen before the freeze of A begins. */
const SLOW_WRITE_MS = 50;

/** In all of them A is the file system that is needed, B the one that needs it; `disks` are [A, B]. */
export type ScenarioFactory = (options?: ScenarioOptions) => Promise<DeadlockScenario>;

/** B lies in an image on A. */
export const imageOnFrozen: ScenarioFactory = (options = {}) =>
  build(async (resources) => {
    const { type = 'ext4' } = options;
    const sizeMb = type === 'ext4' || type === 'ext3' ? 128 : 640;
    const lab = resources.use(
      await LabDisks.create([
        { type, sizeMb },
        { type, imageOn: 0 },
      ]),
    );
    return { disks: lab.disks, freezePlainly: neededFirst };
  });

/** A permission daemon is asked about every open on B and writes a log to A. */
export const logElsewhere =
  (habit: LogHabit): ScenarioFactory =>
  (options = {}) =>
    build(async (resources) => {
      const { type = 'ext4' } = options;
      const lab = resources.use(await LabDisks.create([{ type }, { type }]));
      const [a, b] = mountPointsOf(lab.disks);
      const watched = await watch(resources, b, a, habit);
      return { disks: lab.disks, ...watched, freezePlainly: neededFirst };
    });

/** B lies in an image served by a FUSE daemon that writes a log to A. */
export const servedImage =
  (habit: LogHabit): ScenarioFactory =>
  (options = {}) =>
    build(async (resources) => {
      const { type = 'ext4' } = options;
      const lab = resources.use(await LabDisks.create([{ type }]));
      const [a] = mountPointsOf(lab.disks);
      const served = resources.use(await ServedDisk.create(type, join(a, 'served.log'), habit));
      return { disks: [...lab.disks, served], freezePlainly: neededFirst };
    });

/**
 * B lies in an image served by a FUSE daemon that writes a log to A, and a permission daemon that is
 * asked about every open on A writes a log to B. Both are frozen at once.
 */
export const cycle: ScenarioFactory = (options = {}) =>
  build(async (resources) => {
    const { type = 'ext4' } = options;
    const lab = resources.use(await LabDisks.create([{ type }]));
    const [a] = mountPointsOf(lab.disks);
    const served = resources.use(
      await ServedDisk.create(type, join(a, 'served.log'), 'keep', SLOW_WRITE_MS),
    );
    const watched = await watch(resources, a, served.mountPoint, 'keep');
    return { disks: [...lab.disks, served], ...watched, freezePlainly: bothAtOnce };
  });

/** A permission daemon writes its log to the very file system it is asked about. */
export const selfWatch: ScenarioFactory = (options = {}) =>
  build(async (resources) => {
    const { type = 'ext4' } = options;
    const lab = resources.use(await LabDisks.create([{ type }]));
    const [only] = mountPointsOf(lab.disks);
    const watched = await watch(resources, only, only, 'keep');
    return { disks: lab.disks, ...watched, freezePlainly: oneAlone };
  });

/** A permission daemon answers nothing, and can be found only after it gets the command to show itself. */
export const silentDaemon: ScenarioFactory = (options = {}) =>
  build(async (resources) => {
    const { type = 'ext4' } = options;
    const lab = resources.use(await LabDisks.create([{ type }]));
    const [only] = mountPointsOf(lab.disks);
    // Start them first, because each has to open its file once; from the start of the daemon on they wait.
    const openers = resources.use(await Openers.start(only, 1));
    const daemon = resources.use(await DaemonProcess.start('silent-daemon', [only]));
    return { disks: lab.disks, openers, permissionDaemon: daemon, freezePlainly: oneAlone };
  });

async function build(
  make: (resources: AsyncDisposableStack) => Promise<ScenarioParts>,
): Promise<DeadlockScenario> {
  await using resources = new AsyncDisposableStack();
  const parts = await make(resources);
  return new DeadlockScenario(parts, resources.move());
}

async function watch(
  resources: AsyncDisposableStack,
  watched: string,
  logged: string,
  habit: LogHabit,
): Promise<Required<Pick<ScenarioParts, 'openers' | 'permissionDaemon'>>> {
  const args = [watched, join(logged, 'permission.log'), String(SCAN_MS), habit];
  const daemon = resources.use(await DaemonProcess.start('permission-daemon', args));
  const openers = resources.use(await Openers.start(watched));
  return { openers, permissionDaemon: daemon };
}

/** Freezes A, and then, when the writers of A are blocked, B. */
const neededFirst: ScenarioParts['freezePlainly'] = async (scenario) => {
  await scenario.dirty(1);
  await scenario.freeze(0).ended;
  await scenario.permissionDaemon?.blockedByFreeze();
  return [scenario.freeze(1)];
};

/** Freezes A during the freeze of B: each then waits for a daemon that the other has blocked. */
const bothAtOnce: ScenarioParts['freezePlainly'] = async (scenario) => {
  await scenario.dirty(1);
  const second = scenario.freeze(1);
  await scenario.permissionDaemon?.blockedByFreeze();
  return [scenario.freeze(0), second];
};

const oneAlone: ScenarioParts['freezePlainly'] = async (scenario) => [scenario.freeze(0)];

function mountPointsOf(disks: LabDisks['disks']): [first: string, second: string] {
  return [disks[0]?.mountPoint ?? '', disks[1]?.mountPoint ?? ''];
}
