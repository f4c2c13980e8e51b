import { stat, truncate } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import type { ManagedLabOptions } from '../../src/lab/managed/options.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { Writers } from '../../src/lab/writers.ts';
import { deepReportSchema, snapshotListSchema } from '../../src/report/schemas/stored-snapshots.ts';
import { flashfreeze, type RunOptions } from '../commands/command-line.ts';
import { ManagedScene } from '../snapshot/managed/fixtures/scene.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze snapshots verify --deep of managed disks');

/** A VM of two managed disks with writers, and one restore point of it. */
class Night implements AsyncDisposable {
  readonly scene: ManagedScene;
  readonly id: string;

  private constructor(scene: ManagedScene, id: string) {
    this.scene = scene;
    this.id = id;
  }

  static async create(
    args: readonly string[] = [],
    options: Partial<ManagedLabOptions> = {},
  ): Promise<Night> {
    const scene = await ManagedScene.create([{ type: 'ext4' }, { type: 'xfs' }], {
      operation: { durationMs: 20, retryAfterSeconds: 0 },
      ...options,
    });
    {
      await using _ = await Writers.start(scene.disks.disks.map(({ mountPoint }) => mountPoint));
      await flashfreeze(['snapshot', '--managed', '--quiet', ...args]);
    }
    const listed = await flashfreeze(['snapshots', 'list', '--managed', '--json']);
    const { restorePoints } = v.parse(snapshotListSchema, JSON.parse(listed.stdout));
    assert.is(restorePoints?.length, 1, listed.stdout);
    return new Night(scene, restorePoints?.[0]?.id ?? '');
  }

  async verify(args: readonly string[] = [], options: RunOptions = {}) {
    const words = ['snapshots', 'verify', '--managed', '--deep', this.id, ...args];
    const ended = await flashfreeze(words, options);
    assert.not.match(`${ended.stdout}${ended.stderr}`, 'sig=');
    assert.not.match(`${ended.stdout}${ended.stderr}`, 'lab-content');
    return ended;
  }

  async calls(call: string): Promise<number> {
    return (await this.scene.lab.requests()).filter((it) => it.call === call).length;
  }

  /** Every access has been ended, and no token went astray. */
  async isQuiet(title = ''): Promise<void> {
    assert.equal(await this.scene.lab.openAccesses(), [], title);
    assert.equal(await this.scene.lab.violations(), [], title);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scene[Symbol.asyncDispose]();
  }
}

test('disks of a frozen restore point would mount without recovery', async () => {
  await using night = await Night.create();
  const ended = await night.verify(['--json']);
  const report = v.parse(deepReportSchema, JSON.parse(ended.stdout));
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  assert.equal(
    report.disks.map(({ heads, problems }) => [heads[0]?.kind, heads[0]?.state, problems]),
    [
      ['ext', 'clean', []],
      ['xfs', 'clean', []],
    ],
  );
  assert.is(await night.calls('begin-access'), 2);
  assert.is(await night.calls('end-access'), 2);
  await night.isQuiet();
});

test('a disk that shows nothing is no fault, but the set does not pass for a proved one', async () => {
  await using night = await Night.create();
  const pictures = await night.scene.lab.snapshots();
  const imagePath = pictures.find(({ disk }) => disk === 'disk1')?.imagePath ?? '';
  const { size } = await stat(imagePath);
  await truncate(imagePath, 0);
  await truncate(imagePath, size);
  const ended = await night.verify(['--json']);
  const report = v.parse(deepReportSchema, JSON.parse(ended.stdout));
  assert.is(ended.exitCode, 1, `${ended.stdout}${ended.stderr}`);
  assert.is(report.mountable, false);
  assert.is(report.verdict, 'notProved');
  assert.equal(
    report.disks.map(({ problems, notProved }) => [problems, notProved]),
    [
      [[], []],
      [[], ['whole disk (blank): its first bytes are zeroes']],
    ],
  );
  const { stdout } = await night.verify();
  assert.match(
    stdout,
    'nothing found wrong, but not proved; 1 of 2 places on its disks was not looked into: disk 2, whole disk (blank)',
  );
});

test('without the freeze, a mount has to recover (negative control)', async () => {
  await using night = await Night.create(['--no-freeze']);
  const ended = await night.verify(['--json']);
  const report = v.parse(deepReportSchema, JSON.parse(ended.stdout));
  assert.is(ended.exitCode, 1);
  assert.ok(
    report.disks.some(({ heads }) => heads[0]?.state === 'needsRecovery'),
    ended.stdout,
  );
});

type Prepare = (night: Night) => Promise<unknown>;
const TROUBLES: readonly (readonly [title: string, prepare: Prepare, words: string])[] = [
  [
    'no right to begin',
    ({ scene }) => scene.lab.deny('Microsoft.Compute/snapshots/beginGetAccess/action'),
    "the VM's identity lacks Microsoft.Compute/snapshots/beginGetAccess/action",
  ],
  [
    'no right to end',
    ({ scene }) => scene.lab.deny('Microsoft.Compute/snapshots/endGetAccess/action'),
    'ends by itself within 10 minutes',
  ],
  [
    'no right to read operations',
    ({ scene }) => scene.lab.deny('Microsoft.Compute/locations/DiskOperations/read'),
    "the VM's identity lacks Microsoft.Compute/locations/DiskOperations/read",
  ],
  [
    'the content is refused',
    ({ scene }) =>
      scene.lab.setFault({
        call: 'read-content',
        fault: { kind: 'error', status: 403, code: 'AuthenticationFailed' },
      }),
    'it could not be read (HTTP 403)',
  ],
  [
    'the operation that gives access fails',
    ({ scene }) => scene.lab.setOperation({ outcome: 'Failed' }),
    'the service gave no read access: InternalExecutionError',
  ],
];

test('whatever fails is named, and every access is ended', async () => {
  await using night = await Night.create();
  for (const [title, prepare, words] of TROUBLES) {
    await prepare(night);
    const { stdout, stderr } = await night.verify();
    assert.match(`${stdout}${stderr}`, words, title);
    await night.scene.lab.setGrants([{ actions: ['*'], scope: '' }]);
    await night.scene.lab.clearFaults();
    await night.scene.lab.setOperation({ outcome: 'Succeeded' });
    if (title === 'no right to end') {
      const again = await night.verify();
      assert.match(again.stdout, 'another program has read access to it');
      assert.is((await night.scene.lab.openAccesses()).length, 2);
      for (const { id } of await night.scene.lab.snapshots()) {
        await night.scene.lab.endAccess(id);
      }
    }
    await night.isQuiet(title);
  }
});

test('SIGINT ends every access', async () => {
  await using night = await Night.create();
  await night.scene.lab.setFault({
    call: 'read-content',
    fault: { kind: 'slow', delayMs: 60_000 },
  });
  let pid: number | undefined;
  const verified = night.verify([], {
    started: (its) => {
      pid = its;
    },
  });
  while ((await night.calls('read-content')) < 2) {
    await sleep(20);
  }
  assert.is((await night.scene.lab.openAccesses()).length, 2);
  process.kill(pid ?? 0, 'SIGINT');
  const { exitCode, stderr } = await verified;
  assert.is(exitCode, 130, stderr);
  await night.isQuiet();
});

test('only Location, and options that do not fit', async () => {
  const operation = { durationMs: 20, retryAfterSeconds: 0, headers: 'location-only' } as const;
  await using night = await Night.create([], { operation });
  const ended = await night.verify();
  assert.is(ended.exitCode, 0, `${ended.stdout}${ended.stderr}`);
  await night.isQuiet();
  const shallow = await flashfreeze(['snapshots', 'verify', '--managed']);
  assert.is(shallow.exitCode, 2);
  assert.match(shallow.stderr, '--managed: expected together with --deep <restore point>');
});

test.run();
