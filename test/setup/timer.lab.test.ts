import { rm, utimes } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { requireGuestImage } from '../../src/lab/agent/guest-image.ts';
import { FrozenWriters, until } from '../extension/unit-scene.ts';
import { suite } from '../suite.ts';
import { archivePath, prepareArchive, VERSION } from './archive.ts';
import { BareMachine, SERVICE, TIMER } from './bare-machine.ts';

await enterGuestLab({ lifetimeSeconds: 900 }, async () => {
  await requireGuestImage('build-systemd-image.sh');
  await prepareArchive();
});

const test = suite('timer of an installed archive, on a bare machine with systemd');
const UNPACKED = `/root/flashfreeze-${VERSION}-linux-${process.arch}`;
const COMMAND = '/usr/local/sbin/flashfreeze';
/** Longer than anything here takes, and so long a run waits. */
const SLOW_S = 600;
const PATIENT = `[SnapshotThread]\ntimeout = ${SLOW_S}\n[Flashfreeze]\npatience = ${SLOW_S}\n`;

async function unpack(machine: BareMachine): Promise<void> {
  await machine.bring(archivePath(), '/root/archive.tar.gz');
  await machine.run('tar', 'xzf', '/root/archive.tar.gz', '-C', '/root');
  await rm(machine.guest.path('/root/archive.tar.gz'));
}

/** Another version: the same program, but another content. */
async function unpackNewer(machine: BareMachine): Promise<void> {
  await unpack(machine);
  const path = `${UNPACKED}/package.json`;
  await machine.put(path, (await machine.read(path)).replace(VERSION, '1.0.1'));
}

/** When snapshot requests are answered late, everything stays frozen. */
async function answerAfter({ server }: BareMachine, ms: number): Promise<void> {
  for (const blob of ['disk0', 'disk1']) {
    await server.setLatency(blob, { kind: 'fixed', ms });
  }
}

/** Then everything is frozen: a slow freeze sends some requests before its end. */
async function allSnapshotRequests({ server }: BareMachine): Promise<void> {
  await until(
    async () => {
      const asked = (await server.requests()).filter(({ operation }) => operation === 'snapshot');
      return new Set(asked.map(({ blob }) => blob)).size === server.urls.length;
    },
    () => 'snapshot request for each disk',
  );
}

test('unpacked, set up, run by the timer’s service, upgraded and removed: nothing is left', async () => {
  await using machine = await BareMachine.create();
  for (const program of ['node', 'npm', 'cc', 'gcc', 'g++', 'make', 'python3']) {
    assert.is.not((await machine.end('sh', '-c', `command -v ${program}`)).code, 0, program);
  }
  const before = await machine.tree();
  await unpack(machine);
  const said = await machine.run(`${UNPACKED}/flashfreeze`, 'setup', '--timer', 'daily');
  assert.match(said, /timer: flashfreeze-snapshot\.timer, daily; next run: /);
  assert.match(said, /! \/etc\/flashfreeze\/snapshot\.conf does not say yet what to snapshot/);
  assert.equal(
    await machine.end(
      'systemd-analyze',
      'verify',
      '--man=no',
      ...[SERVICE, TIMER].map((it) => `/etc/systemd/system/${it}`),
    ),
    { code: 0, stdout: '', stderr: '' },
  );
  assert.match(await machine.run('systemctl', 'list-timers', '--no-legend'), `${TIMER} ${SERVICE}`);
  // Nothing to snapshot: refused before anything is frozen, and seen.
  assert.is((await machine.end('systemctl', 'start', SERVICE)).code, 1);
  assert.equal(await machine.show(SERVICE, 'ActiveState', 'Result', 'ExecMainStatus'), {
    ...{ ActiveState: 'failed', Result: 'exit-code', ExecMainStatus: '2' },
  });
  assert.match(await machine.journal(), /nothing to snapshot.*FF_USAGE/);

  await machine.configure();
  const metrics = '/var/lib/flashfreeze/flashfreeze.prom';
  await machine.run('mkdir', '-p', '/var/lib/flashfreeze');
  await machine.put('/etc/azure/vmbackup.conf', `[Flashfreeze]\nmetricsFile = ${metrics}\n`);
  await machine.run('systemctl', 'start', SERVICE);
  assert.equal(await machine.show(SERVICE, 'ActiveState', 'Result', 'ExecMainStatus', 'Slice'), {
    ...{ ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' },
    Slice: 'flashfreeze.slice',
  });
  assert.is(await machine.count(), 1);
  assert.match(await machine.journal(), '✓ fileSystemConsistent: 2 of 2 snapshots');
  const status = await machine.end(COMMAND, 'status');
  assert.match(status.stdout, /^FLASHFREEZE (?:OK|WARNING)/);
  assert.match(await machine.read(metrics), /last_success_timestamp_seconds\{.*origin="command"/);

  await unpackNewer(machine);
  const upgraded = await machine.run(`${UNPACKED}/flashfreeze`, 'setup');
  assert.match(upgraded, '/opt/flashfreeze/1.0.1-');
  assert.match(upgraded, 'removed the older version');
  assert.match(upgraded, 'flashfreeze-snapshot.timer, daily');
  assert.is((await machine.show(TIMER, 'ActiveState')).ActiveState, 'active');
  await machine.run('systemctl', 'start', SERVICE);
  assert.is(await machine.count(), 2);

  const removed = await machine.run(COMMAND, 'setup', '--remove');
  assert.match(removed, `removed /etc/systemd/system/${TIMER}`);
  assert.not.match(await machine.run('systemctl', 'list-timers', '--all', '--no-legend'), TIMER);
  assert.is((await machine.show(SERVICE, 'LoadState')).LoadState, 'not-found');
  assert.is(await machine.run('systemctl', 'is-system-running'), 'running');
  assert.is(await machine.run('find', '/var/lib/systemd/timers', '-name', `*${TIMER}`), '');
  const kept =
    /^(?:etc\/(?:flashfreeze|azure|systemd\/system\/flashfreeze-snapshot\.service\.d)|var\/lib\/flashfreeze)(?:\/|$)/;
  assert.equal(
    (await machine.tree()).filter((path) => !before.includes(path) && !kept.test(path)),
    [],
  );
  assert.equal(machine.guest.processes(), []);
});

test('a run that goes on: the timer starts no second one, an upgrade leaves it its files, a removal is refused', async () => {
  await using machine = await BareMachine.create();
  await unpack(machine);
  await machine.put(
    `/etc/systemd/system/${TIMER}.d/now.conf`,
    '[Timer]\nRandomizedDelaySec=0\nPersistent=false\n',
  );
  await machine.configure();
  await machine.run(`${UNPACKED}/flashfreeze`, 'setup', '--timer', 'weekly');
  const held = await machine.holdRun();
  await machine.run(COMMAND, 'setup', '--timer', '*:*:0/1');
  const { LastTriggerUSec } = await machine.show(TIMER, 'LastTriggerUSec');
  const refused = await machine.end(COMMAND, 'setup', '--remove');
  assert.is(refused.code, 1);
  assert.match(refused.stderr, /runs from this installation.*FF_SETUP_BUSY/);
  assert.match((await machine.end(COMMAND, 'setup', '--timer', 'off')).stderr, 'FF_SETUP_BUSY');
  assert.is((await machine.show(TIMER, 'ActiveState')).ActiveState, 'active');
  await unpackNewer(machine);
  const upgraded = await machine.run(`${UNPACKED}/flashfreeze`, 'setup');
  assert.match(upgraded, `which process ${held.pid} uses`);
  assert.equal(await machine.show(SERVICE, 'ActiveState', 'MainPID'), {
    ...{ ActiveState: 'activating', MainPID: held.pid },
  });
  assert.is(await machine.count(), 0);
  await held.goOn();
  await until(
    async () => (await machine.count()) >= 3,
    () => 'third run by the timer',
  );
  assert.is.not((await machine.show(TIMER, 'LastTriggerUSec')).LastTriggerUSec, LastTriggerUSec);
  await machine.run('systemctl', 'stop', TIMER);
  await machine.is(SERVICE, 'inactive');
  const off = await machine.run(COMMAND, 'setup', '--timer', 'off');
  assert.match(off, 'removed the older version');
  const steps = (await machine.journal()).match(/^(?:Starting|Finished|Failed)(?= )/gm) ?? [];
  assert.match(steps.join(' '), /^(?:Starting Finished ?){3,}$/, await machine.journal());
  assert.is((await machine.show(TIMER, 'LoadState')).LoadState, 'not-found');
});

test('killed while all is frozen: its guardian thaws, systemctl shows it, and the next run is good', async () => {
  await using machine = await BareMachine.create();
  await unpack(machine);
  await machine.configure();
  await machine.run(`${UNPACKED}/flashfreeze`, 'setup', '--timer', 'daily');
  await machine.put('/etc/azure/vmbackup.conf', PATIENT);
  await answerAfter(machine, SLOW_S * 1_000);
  await machine.run('systemctl', 'start', '--no-block', SERVICE);
  await allSnapshotRequests(machine);
  const writers = await FrozenWriters.start(machine.guest.mountPoints);
  await machine.run('systemctl', 'kill', '--kill-who=main', '--signal=KILL', SERVICE);
  await writers.thawedNs;
  await machine.is(SERVICE, 'failed');
  assert.is((await machine.show(SERVICE, 'Result')).Result, 'signal');
  await answerAfter(machine, 0);
  await machine.run('systemctl', 'start', SERVICE);
  assert.is((await machine.show(SERVICE, 'Result')).Result, 'success');
});

test('a machine that was off makes up for what it missed with one run at boot', async () => {
  await using machine = await BareMachine.create();
  await unpack(machine);
  await machine.configure();
  await machine.run(`${UNPACKED}/flashfreeze`, 'setup', '--timer', 'daily');
  assert.is(await machine.count(), 0);
  const stamp = machine.guest.path(`/var/lib/systemd/timers/stamp-${TIMER}`);
  const longAgo = new Date(Date.now() - 5 * 86_400_000);
  // Without it the run begins within an hour after the boot.
  await machine.put(`/etc/systemd/system/${TIMER}.d/now.conf`, '[Timer]\nRandomizedDelaySec=0\n');
  await machine.guest.powerOff();
  await utimes(stamp, longAgo, longAgo);
  await machine.guest.boot();
  await until(
    async () => (await machine.count()) === 1,
    () => 'run at boot',
  );
  await machine.is(SERVICE, 'inactive');
  assert.is(await machine.count(), 1);
  assert.match(await machine.run('systemctl', 'list-timers', '--no-legend'), TIMER);
});

test.run();
