import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { renderUnit, UNIT_NAME } from '../../src/extension/polling/systemd.ts';
import { enterGuestLab } from '../../src/lab/agent/enter-guest-lab.ts';
import { Guest } from '../../src/lab/agent/guest.ts';
import { requireGuestImage } from '../../src/lab/agent/guest-image.ts';
import { inGuest, systemdGuest } from '../../src/lab/agent/systemd-guest.ts';
import { RUN_MESSAGE_ID } from '../../src/report/journal-record.ts';
import type { StatusReport } from '../../src/status/judge-status.ts';
import { suite } from '../suite.ts';
import { assertCommands } from './checks.ts';
import { preparePayload } from './payload.ts';
import { UnitScene, until } from './unit-scene.ts';

await enterGuestLab({ lifetimeSeconds: 600 }, async () => {
  await requireGuestImage('build-systemd-image.sh');
  await preparePayload();
});

const test = suite('polling service under systemd');
const UNIT_PATH = `/etc/systemd/system/${UNIT_NAME}`;
const PUBLISHED = (snapshotId: string) => ({ snapshotId, errMsg: '' });
/** A variable in braces, as nobody is to replace it. */
const BRACED = ['$', '{HOME}'].join('');
/** Longer than anything waits for it, shorter than the service does. */
const SLOW_HOST_MS = 8_000;

/** Writes arguments, environment and working directory down, each with a NUL behind it. */
const RECORDER = `#!/bin/sh
printf '%s\\0' "$@" >/root/arguments
env --null >/root/environment
printf '%s\\0' "$PWD" >/root/directory
`;

test('systemd reads the unit without a word and starts the command word for word, whatever stands in it', async () => {
  await using guest = await Guest.create([], systemdGuest());
  const systemctl = async (...args: readonly string[]): Promise<void> => {
    assert.equal(await inGuest(guest, ['systemctl', ...args]), { code: 0, stdout: '', stderr: '' });
  };
  const directory = `/var/lib/waagent/a b 100%n $HOME ${BRACED} "x" 'y' back\\slash-1.0`;
  const words = ['a b', '100%i', '%%', '$HOME', BRACED, '$$', '"q"', "it's", '\\n', 'a\nb'];
  const argv = [`${directory}/record`, ...words, '\t', ';', '', '-x', 'é'] as const;
  const environment = { ODD: `"quoted" 100%h $HOME ${BRACED} \\n a\nb`, PATH: '/usr/bin:/bin' };
  await mkdir(guest.path(directory), { recursive: true });
  await writeFile(guest.path(directory, 'record'), RECORDER, { mode: 0o755 });
  await writeFile(guest.path(directory, 'HandlerEnvironment.json'), '');
  await writeFile(
    guest.path(UNIT_PATH),
    renderUnit({ argv: [argv[0], ...argv.slice(1)], directory, environment }),
  );

  const verified = await inGuest(guest, ['systemd-analyze', 'verify', UNIT_PATH]);
  assert.equal(verified, { code: 0, stdout: '', stderr: '' });

  await systemctl('daemon-reload');
  await systemctl('set-environment', 'NODE_OPTIONS=--require=/nowhere', 'OTHER=1');
  await systemctl('start', UNIT_NAME);
  await until(
    async () =>
      (await inGuest(guest, ['systemctl', 'is-active', UNIT_NAME])).stdout === 'inactive\n',
    () => 'end of the command',
  );
  const recorded = async (name: string): Promise<string[]> => {
    const content = await readFile(guest.path('/root', name), 'utf8');
    return content.split('\0').slice(0, -1);
  };
  assert.equal(await recorded('arguments'), argv.slice(1));
  assert.equal(await recorded('directory'), [directory]);
  const variables = await recorded('environment');
  assert.ok(variables.includes(`ODD=${environment.ODD}`), variables.join('\n'));
  assert.ok(variables.includes('OTHER=1'));
  assert.not(variables.some((line) => line.startsWith('NODE_OPTIONS=')));
});

test('enable starts it, and anew only for another command; it follows orders and holds until the host answers', async () => {
  await using machine = await UnitScene.create();
  assertCommands(await machine.enable(), ['install', 'enable']);
  await machine.quiet();
  const first = await machine.unit('ActiveState', 'UnitFileState', 'MainPID', 'NRestarts');
  assert.equal(
    { ...first, MainPID: '' },
    { ActiveState: 'active', UnitFileState: 'enabled', MainPID: '', NRestarts: '0' },
  );
  const verified = await inGuest(machine.guest, ['systemd-analyze', 'verify', UNIT_PATH]);
  assert.equal(verified, { code: 0, stdout: '', stderr: '' });

  const writers = await machine.snapshotUnderWay('held', 2_000);
  const thawedNs = await writers.thawedNs;
  const start = await machine.answered('start-snapshot', 'held');
  assert.ok((start.answeredNs ?? thawedNs) < thawedNs, 'thawed before the host had answered');
  const publish = await machine.answered('publish-snapshot', 'held');
  assert.equal(JSON.parse(publish.body), PUBLISHED('held'));
  assert.ok(publish.receivedNs > (start.answeredNs ?? publish.receivedNs));

  assertCommands(await machine.enable(), ['enable']);
  assert.equal(await machine.unit('MainPID', 'NRestarts'), {
    MainPID: first.MainPID,
    NRestarts: '0',
  });

  machine.environment.AZURE_GUEST_AGENT_WIRE_PROTOCOL_ADDRESS = '168.63.129.16:80';
  assertCommands(await machine.enable(), ['enable']);
  assert.is.not(await machine.mainPid(), first.MainPID);
  await machine.quiet();
  assert.ok(machine.processes('poll')[0]?.environment.some((it) => it.endsWith('16:80')));
  assert.equal(await machine.snapshot('elsewhere'), PUBLISHED('elsewhere'));

  assertCommands(await machine.enable('1.0.0.2'), [
    ...['disable', 'update', 'uninstall', 'install', 'enable'],
  ]);
  await machine.quiet();
  assert.match(machine.processes('poll')[0]?.commandLine.join(' ') ?? '', '1.0.0.2');
  assert.equal(await machine.snapshot('newer'), PUBLISHED('newer'));
});

test('each order leaves one record in the journal, found by its id, with fields to search for', async () => {
  await using machine = await UnitScene.create();
  await machine.enable();
  await machine.quiet();
  assert.equal(await machine.snapshot('journaled'), PUBLISHED('journaled'));
  const records = async (): Promise<Record<string, string>[]> => {
    // The settings are a task of their own, whose snapshot is one of one.
    const fields = [`MESSAGE_ID=${RUN_MESSAGE_ID}`, 'FLASHFREEZE_DISKS=2'];
    const lines = await machine.run('journalctl', '-o', 'json', ...fields);
    return lines
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, string>);
  };
  // The host has the result before anything is kept.
  await until(
    async () => (await records()).length > 0,
    () => 'the record of the run',
  );
  const [record = {}, ...others] = await records();
  assert.equal(others, []);
  assert.match(record.MESSAGE ?? '', 'extension: fileSystemConsistent: 2 of 2 snapshots; writers');
  const wanted = {
    PRIORITY: '6',
    SYSLOG_IDENTIFIER: 'flashfreeze',
    FLASHFREEZE_ORIGIN: 'extension',
    FLASHFREEZE_RESULT: 'success',
    FLASHFREEZE_CONSISTENCY: 'fileSystemConsistent',
    FLASHFREEZE_CODE: '1',
    FLASHFREEZE_DISKS: '2',
  };
  for (const [name, value] of Object.entries(wanted)) {
    assert.is(record[name], value, name);
  }
  assert.ok(Number(record.FLASHFREEZE_WINDOW_MS) > 0);
  assert.match(await machine.run('cat', record.FLASHFREEZE_REPORT ?? ''), 'flashfreeze-run/1');
});

test('status knows the runs of the extension, the next start of the timer, and a start that failed', async () => {
  await using machine = await UnitScene.create();
  await machine.enable();
  await machine.quiet();
  await machine.snapshot('watched');
  const program = `${machine.agent.folders.directory}/flashfreeze`;
  const status = async (): Promise<StatusReport> => {
    const { stdout } = await inGuest(machine.guest, [program, 'status', '--json']);
    return JSON.parse(stdout) as StatusReport;
  };
  await until(
    async () => (await status()).runs.length > 0,
    () => 'the file of the run',
  );
  const before = await status();
  assert.equal([before.status, before.schedule], ['ok', null]);
  assert.is(before.runs[0]?.origin, 'extension');

  const unit = (name: string): string => machine.guest.path(`/etc/systemd/system/${name}`);
  await writeFile(
    unit('flashfreeze-snapshot.timer'),
    '[Timer]\nOnCalendar=2099-02-03 04:05:06 UTC\n[Install]\nWantedBy=timers.target\n',
  );
  await writeFile(
    unit('flashfreeze-snapshot.service'),
    '[Service]\nType=oneshot\nExecStart=/bin/sh -c "exit 2"\n',
  );
  await machine.systemctl('daemon-reload');
  const inactive = await status();
  assert.equal(
    [inactive.status, inactive.findings.map(({ id }) => id), inactive.schedule?.isActive],
    ['warning', ['timer-inactive'], false],
  );
  await machine.systemctl('start', 'flashfreeze-snapshot.timer');
  assert.equal((await status()).schedule, {
    timer: 'flashfreeze-snapshot.timer',
    isActive: true,
    next: '2099-02-03T04:05:06.000Z',
    last: null,
  });
  await inGuest(machine.guest, ['systemctl', 'start', 'flashfreeze-snapshot.service']);
  const { status: judged, findings } = await status();
  assert.is(judged, 'warning');
  assert.equal(
    findings.map(({ id, finding }) => [id, finding]),
    [['timer-run-failed', 'the last start of flashfreeze-snapshot.service failed (exit code 2)']],
  );
});

test('killed while all is frozen: its guardian thaws, or, killed besides, the next start does', async () => {
  await using machine = await UnitScene.create();
  await machine.enable();
  await machine.quiet();
  const alone = await machine.snapshotUnderWay('alone', SLOW_HOST_MS);
  const [guardian] = machine.processes('guardian');
  // It has left the unit's: who kills that kills only the worker.
  assert.not.match(await readFile(`/proc/${guardian?.pid}/cgroup`, 'utf8'), 'system.slice');
  await machine.systemctl('kill', '--kill-who=main', '--signal=KILL', UNIT_NAME);
  const byGuardianNs = await alone.thawedNs;
  await machine.runsAgain('1');
  assert.ok(byGuardianNs < (await machine.startedNs()), 'thawed by the next service only');
  await machine.answered('publish-snapshot', 'alone');
  assert.equal(await machine.snapshot('next'), PUBLISHED('next'));

  const both = await machine.snapshotUnderWay('both', SLOW_HOST_MS);
  // Else it could be quicker than its own death.
  const [second] = machine.processes('guardian');
  process.kill(second?.pid ?? 0, 'SIGSTOP');
  await machine.systemctl('kill', '--kill-who=all', '--signal=KILL', UNIT_NAME);
  process.kill(second?.pid ?? 0, 'SIGKILL');
  const byNextNs = await both.thawedNs;
  await machine.runsAgain('2');
  assert.ok(byNextNs > (await machine.startedNs()), 'somebody else has thawed');
  await machine.answered('publish-snapshot', 'both');
  assert.equal(await machine.snapshot('last'), PUBLISHED('last'));
});

test('stopped in the midst of an order, or with the whole machine, it thaws and tells the host first', async () => {
  await using machine = await UnitScene.create();
  await machine.enable();
  await machine.quiet();

  const stopped = await machine.snapshotUnderWay('stopped', SLOW_HOST_MS);
  await machine.systemctl('stop', UNIT_NAME);
  await machine.assertToldOfSignal('stopped');
  await stopped.thawedNs;
  assert.equal(await machine.unit('ActiveState', 'Result'), {
    ActiveState: 'inactive',
    Result: 'success',
  });
  assert.equal(machine.guest.processes(), []);

  await machine.enable();
  const goingDown = await machine.snapshotUnderWay('going-down', SLOW_HOST_MS);
  await machine.guest.rebootBy(['systemctl', 'reboot']);
  await goingDown.thawedNs;
  await machine.assertToldOfSignal('going-down');
  await machine.quiet();
  assert.equal(await machine.snapshot('after'), PUBLISHED('after'));
});

test('without its directory it neither runs nor fails; disable and uninstall leave nothing', async () => {
  await using machine = await UnitScene.create();
  await machine.enable();
  await machine.quiet();
  const { directory } = machine.agent.folders;
  await machine.agent.forget();
  await until(
    async () => (await machine.unit('ActiveState')).ActiveState === 'inactive',
    () => 'end of the service',
  );
  assert.equal(await machine.unit('Result', 'NRestarts'), { Result: 'success', NRestarts: '0' });
  assert.equal(machine.guest.processes(), []);
  // The guest is only up where no unit has failed.
  await machine.guest.reboot();
  assert.equal(await machine.unit('ActiveState', 'ConditionResult', 'UnitFileState'), {
    ActiveState: 'inactive',
    ConditionResult: 'no',
    UnitFileState: 'enabled',
  });
  assert.not(existsSync(machine.guest.path(directory)));

  await machine.enable();
  await machine.quiet();
  assertCommands(await machine.agent.remove(), ['disable', 'uninstall']);
  assert.equal(machine.guest.processes(), []);
  assert.is((await machine.unit('LoadState')).LoadState, 'not-found');
  const known = await machine.systemctl('list-unit-files', '--no-legend');
  assert.not.match(known, UNIT_NAME);
  assert.is(await machine.run('find', '/etc/systemd', '/run/systemd', '-name', UNIT_NAME), '');
  assert.is(await machine.systemctl('is-system-running'), 'running');
});

test.run();
