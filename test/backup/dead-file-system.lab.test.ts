/** File systems that the kernel has shut down, and mount points that cannot be opened, beside healthy ones. */
import { spawnSync } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { type LabDisk, LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { unmount } from '../../src/lab/unmount.ts';
import type { PlanSummary } from '../../src/report/plan-summary.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { mountAnew } from '../lab/mount-anew.ts';
import { ScriptFiles } from '../quiesce/scripts/script-files.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('file systems that are dead or out of reach');
/** FS_IOC_SHUTDOWN without a flush of the log: ext4 and xfs know it. */
const SHUT_DOWN = `import fcntl, os, struct, sys
fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))`;

function shutDown({ mountPoint }: Pick<LabDisk, 'mountPoint'>): void {
  const { status, stderr } = spawnSync('python3', ['-c', SHUT_DOWN, mountPoint]);
  assert.is(status, 0, String(stderr));
}

/** Mounts it anew at the end, because the lab looks at its mount points when it removes them. */
function revivedAtEnd(disk: LabDisk): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await mountAnew(disk);
    },
  };
}

async function planOf(): Promise<PlanSummary> {
  const { stdout, stderr } = await flashfreeze(['plan', '--json']);
  assert.ok(stdout !== '', stderr);
  return JSON.parse(stdout) as PlanSummary;
}

test('plan, doctor and snapshot name what is dead and leave it out; nothing on its disk can change', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }, { type: 'ext4' }]);
  await using revived = new AsyncDisposableStack();
  const [healthy, ...dead] = rig.disks.disks;
  for (const disk of dead) {
    revived.use(revivedAtEnd(disk));
    shutDown(disk);
  }
  const plan = await planOf();
  assert.equal(
    plan.fileSystems.map(({ mountPoint }) => mountPoint),
    [healthy?.mountPoint],
  );
  const { stdout: doctor } = await flashfreeze(['doctor']);
  const ended = await flashfreeze(['snapshot', ...rig.blobArguments, '--json']);
  const summary = JSON.parse(ended.stdout) as RunSummary;
  for (const { mountPoint } of dead) {
    assert.is(plan.excluded.find((it) => it.mountPoint === mountPoint)?.reason, 'dead');
    const named = new RegExp(`${mountPoint} \\((ext4|xfs)\\) is not frozen, because the kernel`);
    assert.match(doctor, named);
    assert.match(summary.warnings.join('\n'), named);
  }
  assert.is(ended.exitCode, 0, ended.stderr);
  assert.equal(
    summary.disks.map(({ showsInstant, writes }) => [showsInstant, writes]),
    [
      [true, 'unchanged'],
      [true, 'unchanged'],
      [true, 'unchanged'],
    ],
  );
});

test('if nothing but a dead file system was asked for, the error says why', async () => {
  await using disks = await LabDisks.create([{ type: 'xfs' }]);
  const [disk] = disks.disks;
  assert.ok(disk);
  await using _revived = revivedAtEnd(disk);
  shutDown(disk);
  const { mountPoint } = disk;
  const { exitCode, stderr } = await flashfreeze(['freeze', '--mount', mountPoint, '--', 'true']);
  assert.is(exitCode, 125);
  assert.match(stderr, `${mountPoint} (dead)`);
});

for (const type of ['xfs', 'ext4'] as const) {
  test(`${type} that dies between plan and freeze is left out by name, and the others are frozen`, async () => {
    await using rig = await Rig.create([{ type: 'ext4' }, { type }]);
    const files = new ScriptFiles();
    const [, disk] = rig.disks.disks;
    assert.ok(disk);
    await using _revived = revivedAtEnd(disk);
    const { mountPoint } = disk;
    const preScriptLocation = files.script('p', `python3 -c "${SHUT_DOWN}" ${mountPoint}`);
    const { pluginHost } = files.host([files.usual({ preScriptLocation })]);
    const { exitCode, stdout, stderr } = await flashfreeze([
      ...['snapshot', ...rig.blobArguments, '--plugin-host', pluginHost, '--json'],
    ]);
    assert.is(exitCode, 0, stderr);
    const { fileSystems, warnings } = JSON.parse(stdout) as RunSummary;
    assert.equal(
      fileSystems.map((it) => it.mountPoint),
      [rig.disks.disks[0]?.mountPoint],
    );
    assert.match(warnings.join('\n'), `${mountPoint} (${type}) is not frozen, because the kernel`);
  });
}

for (const type of ['xfs', 'ext4'] as const) {
  for (const isAlone of [false, true]) {
    test(`${type} that fails while a command holds ${isAlone ? 'it' : 'it and others'} frozen is named afterwards`, async () => {
      await using disks = await LabDisks.create([{ type: 'ext4' }, { type }]);
      const [, disk] = disks.disks;
      assert.ok(disk);
      await using _revived = revivedAtEnd(disk);
      const { mountPoint } = disk;
      const { exitCode, stderr } = await flashfreeze([
        ...['freeze', ...(isAlone ? ['--mount', mountPoint] : [])],
        ...['--', 'python3', '-c', SHUT_DOWN, mountPoint],
      ]);
      assert.is(exitCode, 0, stderr);
      assert.match(stderr, `${mountPoint} failed during this run`);
    });
  }
}

test('a socket that is bound is passed over for a directory of the same file system', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }]);
  const { mountPoint = '', mounted = '' } = disks.disks[0] ?? {};
  await mkdir(`${mountPoint}/srv/www`, { recursive: true });
  await mkdir('/lab/jail/www', { recursive: true });
  const made = `import socket; socket.socket(socket.AF_UNIX).bind('${mountPoint}/notify')`;
  await runCommand('python3', ['-c', made]);
  await runCommand('touch', ['/lab/jail/notify']);
  await runCommand('mount', ['--bind', `${mountPoint}/notify`, '/lab/jail/notify']);
  await runCommand('mount', ['--bind', `${mountPoint}/srv/www`, '/lab/jail/www']);
  await unmount(mountPoint);
  try {
    const plan = await planOf();
    assert.equal(
      plan.fileSystems.map((it) => it.mountPoint),
      ['/lab/jail/www'],
    );
    const freeze = await flashfreeze(['freeze', '--timeout', '5', '--', 'true']);
    assert.is(freeze.exitCode, 0, freeze.stderr);
    await unmount('/lab/jail/www');
    const alone = await flashfreeze(['freeze', '--timeout', '5', '--', 'true']);
    assert.is(alone.exitCode, 125);
    assert.match(alone.stderr, '/lab/jail/notify (not-openable)');
  } finally {
    await runCommand('mount', [mounted, mountPoint]);
    await unmount('/lab/jail/notify');
    await rm('/lab/jail', { recursive: true });
  }
});

test('a mount point that is not UTF-8 is named escaped; another one of the file system is opened', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const [healthy, disk] = disks.disks;
  const { mountPoint = '', mounted = '' } = disk ?? {};
  const odd = String.raw`d=$(printf '/lab/caf\351')`;
  await runCommand('sh', [
    '-ec',
    `${odd}; mkdir "$d"; mount --bind ${mountPoint} "$d"; umount ${mountPoint}`,
  ]);
  try {
    const plan = await planOf();
    assert.equal(
      plan.fileSystems.map((it) => it.mountPoint),
      [healthy?.mountPoint],
    );
    const named = String.raw`/lab/caf\xe9`;
    assert.is(plan.excluded.find((it) => it.mountPoint === named)?.reason, 'not-openable');
    const freeze = await flashfreeze(['freeze', '--timeout', '5', '--', 'true']);
    assert.is(freeze.exitCode, 0, freeze.stderr);
    assert.match(freeze.stderr, `${named} (ext4) is not frozen`);
    await runCommand('mount', [mounted, mountPoint]);
    assert.is((await planOf()).fileSystems.length, 2);
  } finally {
    await runCommand('sh', [
      '-ec',
      `${odd}; mountpoint -q ${mountPoint} || mount ${mounted} ${mountPoint}; umount "$d"; rmdir "$d"`,
    ]);
  }
});

test.run();
