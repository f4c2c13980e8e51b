import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { diagnose } from '../../src/freezer/diagnosis.ts';
import { GUARDIAN_PATH, Guardian } from '../../src/freezer/guardian.ts';
import { LastLever, type PermissionDescriptor } from '../../src/freezer/last-lever.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { DaemonProcess } from '../deadlock/daemon-process.ts';
import type { DeadlockScenario } from '../deadlock/scenario.ts';
import { cycle, selfWatch } from '../deadlock/scenarios.ts';
import { suite } from '../suite.ts';
import { inMs, RecordedFreezer } from './recorded-freezer.ts';

await enterLab();

const test = suite('last lever');
const FREEZE_LIMIT_MS = 300;
const TIMES = { graceMs: 300, limitMs: 5000 };
/** Longer than grace and limit: a freeze that is stuck then stays stuck. */
const FOR_GOOD_MS = 3000;

async function descriptorOf({ permissionDaemon }: DeadlockScenario): Promise<PermissionDescriptor> {
  return await descriptorIn(permissionDaemon?.pid ?? 0);
}

async function descriptorIn(pid: number): Promise<PermissionDescriptor> {
  for (const name of await readdir(`/proc/${pid}/fd`)) {
    if ((await readlink(`/proc/${pid}/fd/${name}`)) === 'anon_inode:[fanotify]') {
      return { pid, command: 'permission-daemon', descriptor: Number(name) };
    }
  }
  throw new Error(`${pid} has no fanotify descriptor`);
}

interface Rig extends AsyncDisposable {
  readonly scenario: DeadlockScenario;
  readonly freezer: RecordedFreezer;
  /** Freezes everything at once, with a limit that aborts the freeze. */
  freezeUntilBroken(): Promise<void>;
}

async function rig(make: () => Promise<DeadlockScenario>): Promise<Rig> {
  await using resources = new AsyncDisposableStack();
  const scenario = resources.use(await make());
  const freezer = resources.use(
    new RecordedFreezer(scenario.disks.map(({ mountPoint }) => mountPoint)),
  );
  // If nothing has helped, the freezer could not be closed.
  resources.defer(() => scenario.release());
  const guardian = await Guardian.start(freezer.freezer);
  resources.defer(async () => void (await guardian.release()));
  resources.defer(() => scenario.openers?.kill());
  const moved = resources.move();
  return {
    scenario,
    freezer,
    freezeUntilBroken: async () => {
      const armed = await guardian.arm(inMs(60_000));
      armed.limit(inMs(FREEZE_LIMIT_MS));
      // B's writes are under way when A is frozen: then both hang.
      armed.freeze(freezer.all.toReversed());
      await freezer.until('expired', 1);
    },
    [Symbol.asyncDispose]: () => moved[Symbol.asyncDispose](),
  };
}

async function flagsOf({ pid, descriptor }: PermissionDescriptor): Promise<string | undefined> {
  const info = await readFile(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8');
  return info.split('\n').find((line) => line.startsWith('flags:'));
}

for (const [name, make] of [
  ['a daemon that logs to what it watches', selfWatch],
  ['a cycle through two daemons', cycle],
] as const) {
  test(`${name}: waiting opens are refused, the freeze ends, the daemon and all writers continue`, async () => {
    await using all = await rig(() => make());
    const { scenario, freezer } = all;
    const daemon = await descriptorOf(scenario);
    const flags = await flagsOf(daemon);
    using lever = LastLever.prepare(freezer.freezer, 'deny', [daemon], TIMES);
    assert.equal(lever.warnings, []);
    await scenario.dirty(scenario.disks.length - 1);
    await all.freezeUntilBroken();
    await freezer.until('frozen');
    await freezer.until('thawed');
    assert.ok(lever.outcome().answered > 0);
    assert.equal(lever.outcome().killed, []);
    assert.ok((scenario.openers?.refused ?? 0) > 0);
    await scenario.goesOn();
    const refused = scenario.openers?.refused;
    await scenario.goesOn();
    assert.is(scenario.openers?.refused, refused);
    assert.ok(scenario.permissionDaemon?.isRunning);
    assert.is(await flagsOf(daemon), flags);
  });
}

test('without it the same freeze hangs', async () => {
  await using all = await rig(() => selfWatch());
  await all.freezeUntilBroken();
  await new Promise((resolve) => setTimeout(resolve, FOR_GOOD_MS));
  assert.equal(all.freezer.of('frozen'), []);
  assert.equal(all.freezer.of('freeze-failed'), []);
  const { stuck } = await diagnose(all.freezer.freezer.freezingThreads(), [0]);
  assert.equal(stuck, [{ fileSystem: 0, phase: 'writers' }]);
  assert.equal(all.freezer.freezer.stillFrozen(), [0]);
  await all.scenario.release();
  await all.freezer.until('thawed');
  assert.equal(all.freezer.freezer.stillFrozen(), []);
});

test('allow permits every open', async () => {
  await using all = await rig(() => selfWatch());
  using lever = LastLever.prepare(
    all.freezer.freezer,
    'allow',
    [await descriptorOf(all.scenario)],
    TIMES,
  );
  await all.freezeUntilBroken();
  await all.freezer.until('thawed');
  assert.ok(lever.outcome().answered > 0);
  await all.scenario.goesOn();
  assert.is(all.scenario.openers?.refused, 0);
});

test('kill ends the waiting processes, and no others', async () => {
  await using all = await rig(() => selfWatch());
  using lever = LastLever.prepare(
    all.freezer.freezer,
    'kill',
    [await descriptorOf(all.scenario)],
    TIMES,
  );
  await all.freezeUntilBroken();
  await all.freezer.until('thawed');
  const { answered, killed } = lever.outcome();
  assert.is(answered, 0);
  assert.ok(killed.length > 0);
  assert.ok(killed.every((pid) => all.scenario.openers?.pids.includes(pid)));
  assert.ok(all.scenario.permissionDaemon?.isRunning);
});

test('a freeze that is aborted but not stuck affects no process', async () => {
  await using all = await rig(() => selfWatch());
  const { freezer, scenario } = all;
  using lever = LastLever.prepare(freezer.freezer, 'deny', [await descriptorOf(scenario)], {
    graceMs: 1,
    limitMs: 5000,
  });
  await scenario.goesOn();
  await freezer[Symbol.asyncDispose]();
  await scenario.goesOn();
  assert.equal(lever.outcome(), { answered: 0, killed: [] });
  assert.is(scenario.openers?.refused, 0);
});

test('a descriptor that is not a permission group any more is named', async () => {
  await using all = await rig(() => selfWatch());
  const { pid, command } = await descriptorOf(all.scenario);
  using lever = LastLever.prepare(all.freezer.freezer, 'deny', [
    { pid, command, descriptor: 0 },
    { pid: 2 ** 22 - 1, command: 'gone', descriptor: 4 },
  ]);
  assert.is(lever.warnings.length, 2);
  assert.match(lever.warnings[0] ?? '', 'permission-daemon');
  assert.match(lever.warnings[0] ?? '', 'EBADF');
  assert.match(lever.warnings[1] ?? '', 'ESRCH');
});

test('a daemon that was unknown when the lever was prepared is found when it is pulled', async () => {
  await using all = await rig(() => selfWatch());
  using lever = LastLever.prepare(all.freezer.freezer, 'deny', [], TIMES);
  await all.freezeUntilBroken();
  await all.freezer.until('thawed');
  assert.ok(lever.outcome().answered > 0);
  await all.scenario.goesOn();
  assert.ok(all.scenario.permissionDaemon?.isRunning);
});

test('while nothing is stuck the kernel notices the end of a daemon, and opens continue without it', async () => {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const [watched = '', logged = ''] = lab.disks.map(({ mountPoint }) => mountPoint);
  const file = join(watched, 'file');
  await writeFile(file, 'content');
  const daemon = await DaemonProcess.start('permission-daemon', [
    ...[watched, join(logged, 'log'), '1', 'keep'],
  ]);
  await using recorded = new RecordedFreezer([watched, logged]);
  using _lever = LastLever.prepare(recorded.freezer, 'deny', [await descriptorIn(daemon.pid)]);
  await using _guardian = await Guardian.start(recorded.freezer, GUARDIAN_PATH, 'deny');
  await daemon[Symbol.asyncDispose]();
  // A separate process: if it hangs, this one does not.
  await runCommand('timeout', ['--signal', 'KILL', '10', 'cat', file]);
});

test.run();
