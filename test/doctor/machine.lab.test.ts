import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { VM_BACKUP_CONFIGURATION_PATH } from '../../src/config/vmbackup.ts';
import { WAAGENT_CONFIGURATION_PATH } from '../../src/config/waagent.ts';
import type { DoctorReport, ReportedCheck } from '../../src/doctor/doctor-types.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { tryCommand } from '../../src/lab/run-command.ts';
import { QUIESCE_PATHS } from '../../src/quiesce/read-configuration.ts';
import { doctorReportSchema } from '../../src/report/schemas/doctor-report.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 900 });

const test = suite('doctor on a machine with one fault');
const SCRIPTS = '/etc/azure/scripts';

interface Found extends DoctorReport {
  readonly exitCode: number | null;
  of(id: string): readonly ReportedCheck[];
}

async function doctor(args: readonly string[] = [], under: readonly string[] = []): Promise<Found> {
  const ended = await flashfreeze(['doctor', '--json', ...args], { under });
  const report = v.parse(doctorReportSchema, JSON.parse(ended.stdout));
  return {
    ...report,
    exitCode: ended.exitCode,
    of: (id) => report.checks.filter((it) => it.id === id),
  };
}

/** Runs the command in a mount namespace of its own, after some shell commands. */
function after(commands: string): readonly string[] {
  const shell = ['sh', '-ec', `${commands}; exec "$@"`, 'sh'];
  return ['unshare', '--mount', '--propagation', 'private', ...shell];
}

async function write(path: string, text: string, mode = 0o600): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
}

async function writeScripts(changes: object = {}): Promise<void> {
  for (const kind of ['pre', 'post']) {
    await write(join(SCRIPTS, `${kind}.sh`), '#!/bin/sh\n', 0o700);
  }
  const configuration = {
    preScriptLocation: `${SCRIPTS}/pre.sh`,
    postScriptLocation: `${SCRIPTS}/post.sh`,
    ...changes,
  };
  await write(QUIESCE_PATHS.scriptPlugin, JSON.stringify(configuration));
}

const FAULTS: readonly [
  name: string,
  spoil: () => Promise<unknown>,
  finding: RegExp,
  remedy: RegExp,
][] = [
  ['missing', () => rm(`${SCRIPTS}/post.sh`), /post\.sh does not exist.*303/, /postScriptLocation/],
  [
    'readable by others',
    () => chmod(`${SCRIPTS}/pre.sh`, 0o755),
    /pre\.sh has mode 0755; run chmod 0700.*306/,
    /chown root/,
  ],
  [
    'of another owner',
    () => chown(`${SCRIPTS}/post.sh`, 1000, 0),
    /post\.sh belongs to uid 1000.*307/,
    /chown root/,
  ],
  [
    'below a folder that others may write to',
    () => chmod(SCRIPTS, 0o777),
    /lies below \/etc\/azure\/scripts, which is writable by others \(mode 0777\)/,
    /chown root/,
  ],
  [
    'with Windows line ends',
    () => write(`${SCRIPTS}/pre.sh`, '#!/bin/sh\r\ntrue\r\n', 0o700),
    /pre\.sh: its first line ends in CR/,
    /script/,
  ],
  [
    'for an interpreter that is not there',
    () => write(`${SCRIPTS}/post.sh`, '#!/opt/nowhere/sh\n', 0o700),
    /post\.sh cannot be started.*\/opt\/nowhere\/sh/,
    /script/,
  ],
];

test('scripts: in order they get a tick, and each fault is found', async () => {
  await using _rig = await Rig.create([{ type: 'ext4' }]);
  await writeScripts();
  const good = (await doctor()).of('quiesce');
  assert.equal(
    good.map(({ status }) => status),
    ['ok'],
  );
  assert.match(good[0]?.finding ?? '', `2 scripts can be run: ${SCRIPTS}/pre.sh`);
  for (const [name, spoil, finding, remedy] of FAULTS) {
    await writeScripts();
    await chmod(SCRIPTS, 0o755);
    await spoil();
    const found = (await doctor()).of('quiesce');
    assert.ok(
      found.some((it) => it.status === 'warning' && finding.test(it.finding)),
      `${name}: ${JSON.stringify(found)}`,
    );
    assert.ok(
      found.every((it) => remedy.test(it.remedy ?? '')),
      `${name}: ${JSON.stringify(found)}`,
    );
    await rm(SCRIPTS, { recursive: true });
  }
  await writeScripts({ continueBackupOnFailure: false });
  await rm(`${SCRIPTS}/pre.sh`);
  const grave = await doctor();
  assert.equal(
    grave.of('quiesce').map(({ status }) => status),
    ['failed'],
  );
  assert.is(grave.exitCode, 1);
  await rm(QUIESCE_PATHS.scriptPlugin);
});

test('fsfreeze = False and misspelt names are told by doctor, plan and snapshot', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }]);
  const text =
    '[SnapshotThread]\nfsfreeze = False\nMountToSkip = /x\n[flashfreeze]\nfire = early\n';
  await write(VM_BACKUP_CONFIGURATION_PATH, text);
  const parts = ['fsfreeze is off', 'did you mean MountsToSkip?', 'did you mean [Flashfreeze]?'];
  const { exitCode, of } = await doctor();
  const problems = of('configuration');
  assert.is(exitCode, 0);
  assert.equal(
    problems.map(({ status }) => status),
    ['warning', 'warning', 'warning'],
  );
  const plan = await flashfreeze(['plan']);
  const snapshot = await flashfreeze(['snapshot', ...rig.blobArguments, '--json']);
  assert.is(snapshot.exitCode, 0, snapshot.stderr);
  const { consistency } = JSON.parse(snapshot.stdout) as RunSummary;
  assert.is(consistency, 'fileSystemConsistent', 'commands freeze nevertheless');
  for (const part of parts) {
    assert.ok(problems.some(({ finding }) => finding.includes(part)));
    assert.match(plan.stdout, part);
    assert.match(`${snapshot.stdout}${snapshot.stderr}`, part);
  }
  await rm(VM_BACKUP_CONFIGURATION_PATH);
});

test('an agent that runs no extensions', async () => {
  await write(WAAGENT_CONFIGURATION_PATH, 'Extensions.Enabled=n # off\n');
  assert.is((await doctor()).of('waagent')[0]?.status, 'warning');
  await write(WAAGENT_CONFIGURATION_PATH, 'Extensions.Enabled=y\n');
  assert.equal((await doctor()).of('waagent'), []);
  await rm(WAAGENT_CONFIGURATION_PATH);
});

test('a SAS that does not outlast --at, and a set without the blob of a disk', async () => {
  await using rig = await Rig.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const at = new Date(Date.now() + 3_600_000);
  const early = rig.server.sasUrl('disk0', { expires: new Date(at.getTime() + 60_000) });
  const late = rig.server.sasUrl('disk1', { expires: new Date(at.getTime() + 3_600_000) });
  const found = await doctor(['--at', at.toISOString(), '--blob', early, '--blob', late]);
  assert.equal(
    found.of('blob').map(({ status }) => status),
    ['failed', 'ok'],
  );
  assert.match(
    found.of('blob')[0]?.finding ?? '',
    `too early for the snapshot at ${at.toISOString()} (--at)`,
  );
  assert.equal(
    found.of('set').map(({ status }) => status),
    ['ok'],
  );
  const half = await doctor(['--blob', late]);
  assert.is(half.exitCode, 1);
  assert.is(half.of('set')[0]?.status, 'failed');
  assert.match(half.of('set')[0]?.finding ?? '', 'Incomplete: snapshots of 1 of 2 frozen disks');
  const hidden = await doctor(['--blob', late, '--blob', 'https://127.0.0.1:9/a/b?sig=x']);
  assert.match(hidden.of('set')[0]?.finding ?? '', 'were not compared');
});

test('a folder for metrics that is missing, no folder, or cannot be written', async () => {
  await write(VM_BACKUP_CONFIGURATION_PATH, '[Flashfreeze]\nmetricsFile = /lab/metrics/f.prom\n');
  const look = async (under: readonly string[] = []) =>
    (await doctor([], under)).of('metrics-file')[0];
  assert.match((await look())?.finding ?? '', 'ENOENT');
  await writeFile('/lab/metrics', '');
  assert.match((await look())?.finding ?? '', '/lab/metrics is not a folder');
  await rm('/lab/metrics');
  await mkdir('/lab/metrics');
  assert.is((await look())?.status, 'ok');
  const readOnly = await look(after('mount -t tmpfs -o ro none /lab/metrics'));
  assert.is(readOnly?.status, 'warning');
  assert.match(readOnly?.finding ?? '', 'EROFS');
  await rm(VM_BACKUP_CONFIGURATION_PATH);
});

test('no inodes or no space where runs are kept', async () => {
  await mkdir('/var/log/flashfreeze', { recursive: true });
  for (const [size, part] of [
    ['nr_inodes=20', /and 1\d inodes/],
    ['size=1m', /: [01] MB are free/],
  ] as const) {
    const { of } = await doctor([], after(`mount -t tmpfs -o ${size} none /var/log/flashfreeze`));
    const [room] = of('room').filter(({ status }) => status === 'warning');
    assert.match(room?.finding ?? '', part);
    assert.match(room?.finding ?? '', '/var/log/flashfreeze');
  }
});

test('the host service is looked for only on a VM of Azure', async () => {
  assert.equal((await doctor()).of('host'), []);
  await mkdir('/lab/class/upper', { recursive: true });
  await mkdir('/lab/class/work', { recursive: true });
  const dmi = '/sys/class/dmi/id';
  const found = await doctor(
    [],
    after(
      `mount -t overlay none -o lowerdir=/sys/class,upperdir=/lab/class/upper,workdir=/lab/class/work /sys/class; mkdir -p ${dmi}; echo 7783-7084-3265-9085-8269-3286-77 >${dmi}/chassis_asset_tag`,
    ),
  );
  assert.is(found.of('host')[0]?.status, 'warning');
  assert.match(found.of('host')[0]?.remedy ?? '', '168.63.129.16');
});

test('a bad SSL_CERT_FILE is named', async () => {
  const { of } = await doctor([], ['env', 'SSL_CERT_FILE=/lab/missing.pem']);
  assert.equal(
    of('authorities').map(({ status }) => status),
    ['warning'],
  );
  assert.match(of('authorities')[0]?.finding ?? '', 'SSL_CERT_FILE=/lab/missing.pem');
});

test('without root, nothing is ticked that was not looked at', async () => {
  await using _rig = await Rig.create([{ type: 'ext4' }]);
  // The folder that this program lies in may be closed to other users.
  const bound = '/lab/program';
  await mkdir(bound, { recursive: true });
  const root = join(import.meta.dirname, '../..');
  const user = 'setpriv --reuid 65534 --inh-caps=-all --bounding-set=-all';
  const run = `exec ${user} ${bound}/node_modules/.bin/node ${bound}/src/flashfreeze.js doctor --json`;
  const [unshare = '', ...shell] = after(`mount --rbind ${root} ${bound}`);
  const { stdout } = await tryCommand(unshare, [...shell, 'sh', '-c', run]);
  const report = v.parse(doctorReportSchema, JSON.parse(stdout));
  assert.is(report.checks[0]?.status, 'failed');
  const ticked = report.checks.filter(({ status }) => status === 'ok').map(({ id }) => id);
  const seen = ['kernel', 'clock', 'openssl', 'proxy', 'authorities'];
  assert.equal(
    ticked.filter((id) => !seen.includes(id)),
    [],
  );
});

test('the list of many file systems is cut, and whole with --all', async () => {
  await using _rig = await Rig.create(
    Array.from({ length: 12 }, () => ({ type: 'ext4' as const })),
  );
  const brief = await flashfreeze(['doctor']);
  assert.match(brief.stdout, /12 can be frozen: .* and 4 more\n/);
  const all = await flashfreeze(['doctor', '--all']);
  assert.is(all.stdout.match(/\/disk\d+ \(ext4\)/g)?.length, 12);
});

test.run();
