import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterLab } from '../../src/lab/namespace.ts';
import { restoreReportSchema } from '../../src/report/schemas/restore-report.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { DISK_VERSION, Rig } from '../lab/managed/fixtures/rig.ts';
import { putSnapshot, RESTORABLE, tagsOf } from '../restore-points/fixtures/managed-snapshots.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flashfreeze restore of managed disks');

async function restore(...args: readonly string[]) {
  return await flashfreeze(['restore', 'night', '--managed', ...args]);
}

async function created(...args: readonly string[]) {
  const ended = await restore('--create', '--json', '--prefix', 'drill-', ...args);
  const text = `${ended.stdout}${ended.stderr}`;
  return { ...ended, text, report: v.parse(restoreReportSchema, JSON.parse(ended.stdout)) };
}

/** The states of the disks of a report, with their names. */
function states({ disks }: v.InferOutput<typeof restoreReportSchema>): string[] {
  return disks.map(({ name, state }) => `${name} ${state}`);
}

/** Two disks of a VM at the LUNs 7 and 2, and a restore point `night` of them. */
async function night(options: Parameters<typeof Rig.start>[0] = {}): Promise<Rig> {
  const rig = await Rig.start({ at: 'lab', limits: 'none', ...options }, [
    { encryptionType: 'EncryptionAtRestWithCustomerKey', diskEncryptionSetId: '/set' },
    { networkAccessPolicy: 'DenyAll' },
  ]);
  const lun = (value: string) => ({ ...RESTORABLE, policy: 'daily', 'flashfreeze-lun': value });
  await putSnapshot(rig, 'n0', 'disk0', tagsOf('night', 1, lun('7')));
  await putSnapshot(rig, 'n1', 'disk1', tagsOf('night', 2, lun('2')));
  return rig;
}

/** Names of the disks that were asked about, sorted: requests go out at once. */
async function calls(rig: Rig, call: string): Promise<string[]> {
  const all = await rig.lab.requests();
  return all
    .filter((it) => it.call === call)
    .map(({ disk }) => disk ?? '')
    .sort();
}

test('without --create shows the lines with type and LUN of the old disks, and makes nothing', async () => {
  await using rig = await night();
  const ended = await restore('--json', '--prefix', 'drill-');
  assert.is(ended.exitCode, 0, ended.stderr);
  const report = v.parse(restoreReportSchema, JSON.parse(ended.stdout));
  assert.is(report.isDryRun, true);
  assert.equal(states(report), ['drill-lun2 planned', 'drill-lun7 planned']);
  const { azLines } = report;
  assert.match(
    azLines[0] ?? '',
    /^az disk create --resource-group \S+ --name drill-lun2 --source \/subscriptions\/\S+\/snapshots\/n1 --sku Premium_LRS/,
  );
  assert.match(azLines[1] ?? '', / --lun 2$/);
  assert.match(azLines[3] ?? '', / --lun 7$/);
  await rig.lab.deny('Microsoft.Compute/disks/read', rig.lab.resourceId('disks/disk0'));
  const partly = await restore('--prefix', 'drill-');
  assert.is(partly.exitCode, 0, partly.stderr);
  assert.match(partly.stdout, /--name drill-lun7 .*--sku <sku> --zone <zone>/);
  assert.match(partly.stdout, /--name drill-lun2 .*--sku Premium_LRS/);
  assert.match(partly.stdout, 'Dry run: nothing was made.');
  assert.equal(await rig.lab.madeDisks(), []);
});

test('--create makes the disks like the old ones, by LUN; a second call finds them', async () => {
  await using rig = await night();
  const first = await created();
  assert.is(first.exitCode, 0, first.text);
  assert.equal(states(first.report), ['drill-lun2 created', 'drill-lun7 created']);
  assert.equal(await calls(rig, 'put-disk'), ['drill-lun2', 'drill-lun7']);
  const { azLines, disks, isDryRun } = first.report;
  assert.is(isDryRun, false);
  assert.is(disks[0]?.diskId, rig.lab.diskId('drill-lun2'));
  assert.is(azLines.length, 2);
  assert.match(
    azLines[0] ?? '',
    `az vm disk attach --resource-group <vm-group> --vm-name <vm> --name ${rig.lab.diskId('drill-lun2')} --lun 2`,
  );
  const [two, seven] = await rig.lab.madeDisks();
  assert.equal(JSON.parse(two?.body ?? ''), {
    location: 'westeurope',
    sku: { name: 'Premium_LRS' },
    tags: {
      policy: 'daily',
      'flashfreeze-restored': 'night 2',
      'flashfreeze-snapshot': 'n1',
    },
    properties: {
      creationData: { createOption: 'Copy', sourceResourceId: rig.lab.resourceId('snapshots/n1') },
      networkAccessPolicy: 'DenyAll',
      publicNetworkAccess: 'Enabled',
    },
  });
  assert.equal(JSON.parse(seven?.body ?? '').properties.encryption, {
    type: 'EncryptionAtRestWithCustomerKey',
    diskEncryptionSetId: '/set',
  });
  assert.equal(await readFile(seven?.imagePath ?? ''), await readFile(rig.images[0] ?? ''));
  const second = await created();
  assert.is(second.exitCode, 0, second.text);
  assert.equal(states(second.report), ['drill-lun2 existed', 'drill-lun7 existed']);
  assert.is((await calls(rig, 'put-disk')).length, 2);
  assert.equal(await rig.lab.violations(), []);
});

test('a name that is taken is left alone, and nothing is made', async () => {
  await using rig = await night();
  const body = {
    ...{ location: 'westeurope', sku: { name: 'Premium_LRS' } },
    properties: {
      creationData: { createOption: 'Copy', sourceResourceId: rig.lab.resourceId('snapshots/n0') },
    },
  };
  await rig.end(await rig.arm('PUT', `${rig.lab.diskId('drill-lun2')}?${DISK_VERSION}`, body));
  const refused = await restore('--create', '--prefix', 'drill-');
  assert.is(refused.exitCode, 2, refused.stdout);
  assert.match(refused.stderr, 'FF_RESTORE_TARGET_EXISTS');
  assert.match(refused.stderr, /disks\/drill-lun2 exists, and it was made of \S+\/snapshots\/n0/);
  assert.match(refused.stderr, 'Nothing was made');
  // It came between the look and the request.
  const fault = { kind: 'error', status: 404, code: 'ResourceNotFound' } as const;
  await rig.lab.setFault({ call: 'get-disk', disk: 'drill-lun2', times: 1, fault });
  const late = await created();
  assert.is(late.exitCode, 1, late.text);
  assert.match(late.report.disks[0]?.error ?? '', 'was left alone; use another --prefix');
  assert.equal(
    (await rig.lab.madeDisks()).map(({ name }) => name),
    ['drill-lun2', 'drill-lun7'],
  );
  assert.match((await rig.lab.madeDisks())[0]?.source ?? '', '/snapshots/n0');
});

test('one disk fails: the other is made, both are reported, and a second call goes on', async () => {
  await using rig = await night();
  await rig.lab.setFault({
    ...{ call: 'put-disk', disk: 'drill-lun2' },
    fault: { kind: 'error', status: 409, code: 'QuotaExceeded', message: 'no more disks' },
  });
  const first = await created();
  assert.is(first.exitCode, 1, first.text);
  assert.equal(states(first.report), ['drill-lun2 failed', 'drill-lun7 created']);
  assert.match(first.report.disks[0]?.error ?? '', 'HTTP 409 QuotaExceeded');
  assert.match(first.report.azLines[0] ?? '', 'az disk create');
  await rig.lab.clearFaults();
  await rig.lab.setOperation({ outcome: 'Failed' }, 'drill-lun2');
  const failed = await created();
  assert.equal(states(failed.report), ['drill-lun2 failed', 'drill-lun7 existed']);
  assert.match(failed.report.disks[0]?.error ?? '', 'InternalExecutionError');
  await rig.lab.setOperation({ outcome: 'Succeeded' }, 'drill-lun2');
  const last = await created();
  assert.is(last.exitCode, 0, last.text);
  assert.equal(states(last.report), ['drill-lun2 created', 'drill-lun7 existed']);
});

/** Looks again until it is so; the test's own limit ends it otherwise. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) {
    await sleep(20);
  }
}

test('a disk that an interrupted call was making is waited for, not made again', async () => {
  await using rig = await night();
  // The first call waits for the minute that the service asks for; two looks of the second one end the operation.
  await rig.lab.setOperation({ inProgress: 2, retryAfterSeconds: 60 });
  let pid: number | undefined;
  const args = ['restore', 'night', '--managed', '--create', '--json', '--prefix', 'drill-'];
  const first = flashfreeze(args, {
    started: (its) => {
      pid = its;
    },
  });
  await until(async () => (await calls(rig, 'put-disk')).length === 2);
  process.kill(pid ?? 0, 'SIGINT');
  const ended = await first;
  assert.is(ended.exitCode, 130, ended.stderr);
  const report = v.parse(restoreReportSchema, JSON.parse(ended.stdout));
  assert.equal(states(report), ['drill-lun2 failed', 'drill-lun7 failed']);
  assert.match(report.disks[0]?.error ?? '', 'interrupted; Azure goes on');
  const second = await created();
  assert.is(second.exitCode, 0, second.text);
  assert.equal(states(second.report), ['drill-lun2 created', 'drill-lun7 created']);
  assert.is((await calls(rig, 'put-disk')).length, 2);
});

const SIGNALS: readonly (readonly [title: string, prepare: (rig: Rig) => Promise<unknown>])[] = [
  ['only Location', (rig) => rig.lab.setOperation({ headers: 'location-only', inProgress: 2 })],
  ['only Azure-AsyncOperation', (rig) => rig.lab.setOperation({ headers: 'async-only' })],
  ['no URL at all', (rig) => rig.lab.setOperation({ headers: 'none', durationMs: 300 })],
  ['200 at once', (rig) => rig.lab.setOperation({ headers: 'at-once' })],
  [
    'no right to read operations',
    (rig) => rig.lab.deny('Microsoft.Compute/locations/DiskOperations/read'),
  ],
  [
    'a throttled request',
    (rig) =>
      rig.lab.setFault({
        ...{ call: 'put-disk', times: 1 },
        fault: { kind: 'error', status: 429, code: 'OperationNotAllowed', retryAfterSeconds: 1 },
      }),
  ],
  [
    'an answer that was lost',
    (rig) =>
      rig.lab.setFault({
        ...{ call: 'put-disk', times: 1 },
        fault: { kind: 'reset', handled: true },
      }),
  ],
  ['an old token', (rig) => rig.lab.revokeTokens()],
];

test('every way in which the service tells how far it is', async () => {
  for (const [title, prepare] of SIGNALS) {
    await using rig = await night();
    await prepare(rig);
    const { exitCode, text, report } = await created();
    assert.is(exitCode, 0, `${title}: ${text}`);
    assert.equal(states(report), ['drill-lun2 created', 'drill-lun7 created'], title);
    assert.equal(await rig.lab.violations(), [], title);
  }
});

test('the right that is missing is named, and nothing was made', async () => {
  await using rig = await night();
  const snapshot = rig.lab.resourceId('snapshots/n1');
  await rig.lab.deny('Microsoft.Compute/snapshots/beginGetAccess/action', snapshot);
  const { exitCode, report } = await created();
  assert.is(exitCode, 1);
  assert.match(
    report.disks[0]?.error ?? '',
    `lacks Microsoft.Compute/snapshots/beginGetAccess/action on ${snapshot}`,
  );
  assert.is(report.disks[1]?.state, 'created');
  await rig.lab.deny('Microsoft.Compute/disks/write');
  const { report: none } = await created('--prefix', 'other-');
  assert.match(none.disks[1]?.error ?? '', 'lacks Microsoft.Compute/disks/write on ');
});

test('an old disk that is gone: refused by name, or made with --sku and --zone', async () => {
  await using rig = await night();
  await rig.lab.removeDisk('disk0');
  const refused = await restore('--create', '--prefix', 'drill-');
  assert.is(refused.exitCode, 2, refused.stdout);
  assert.match(refused.stderr, 'drill-lun7 needs --sku <storage type> and --zone <zone> (or none)');
  assert.not.match(refused.stderr, 'drill-lun2 needs');
  assert.equal(await rig.lab.madeDisks(), []);
  const given = ['--sku', '7=StandardSSD_ZRS', '--zone', '2'];
  const { exitCode, text } = await created(...given);
  assert.is(exitCode, 0, text);
  const bodies = (await rig.lab.madeDisks()).map(({ body }) => JSON.parse(body));
  assert.equal(
    bodies.map(({ sku, zones }) => [sku.name, zones]),
    [
      ['Premium_LRS', ['2']],
      ['StandardSSD_ZRS', undefined],
    ],
  );
});

test('a snapshot whose data is not there yet is named, and nothing is made of it', async () => {
  await using rig = await night({ backgroundCopyMs: 3_600_000 });
  const [imagePath = ''] = rig.images;
  await rig.lab.addDisk({ name: 'slow', lun: 9, sku: 'PremiumV2_LRS', imagePath });
  const tags = { ...tagsOf('slow', 1, RESTORABLE), 'flashfreeze-disk': '1 of 1' };
  await putSnapshot(rig, 's0', 'slow', tags);
  const dry = await flashfreeze(['restore', 'slow', '--managed']);
  assert.is(dry.exitCode, 0, dry.stderr);
  assert.match(dry.stdout, /! the snapshot \S+\/snapshots\/s0: Azure has copied 0 % of its data/);
  const early = await flashfreeze(['restore', 'slow', '--managed', '--create']);
  assert.is(early.exitCode, 2, early.stdout);
  assert.match(early.stderr, 'FF_RESTORE_POINT_UNUSABLE');
  await rig.lab.setFault(halfCopied(rig.lab.diskId('elsewhere'), 'CopyStart'));
  const moved = await restore('--create');
  assert.is(moved.exitCode, 2, moved.stdout);
  assert.match(moved.stderr, 'Azure has copied 42 % of its data from another region or disk');
  assert.equal(await rig.lab.madeDisks(), []);
});

test('a snapshot that is copied in its own region is restored, and a disk that is filled is waited for', async () => {
  await using rig = await night();
  await rig.lab.setFault(halfCopied(rig.lab.diskId('disk1'), 'Copy'));
  const source = rig.lab.resourceId('snapshots/n1');
  const { fault } = halfCopied(source, 'Copy');
  await rig.lab.setFault({ call: 'get-disk', disk: 'drill-lun2', skip: 1, times: 2, fault });
  const { exitCode, text, report } = await created();
  assert.is(exitCode, 0, text);
  assert.equal(states(report), ['drill-lun2 created', 'drill-lun7 created']);
  const looks = (await calls(rig, 'get-disk')).filter((name) => name === 'drill-lun2');
  assert.is(looks.length, 4);
});

/** An answer about a snapshot of disk1, or a disk of it, whose data is not copied yet. */
function halfCopied(sourceResourceId: string, createOption: string) {
  const properties = {
    ...{ provisioningState: 'Succeeded', completionPercent: 42 },
    creationData: { createOption, sourceResourceId },
  };
  const body = JSON.stringify({ location: 'westeurope', properties });
  return {
    ...{ call: 'get-snapshot' as const, disk: 'disk1' },
    fault: { kind: 'answer' as const, status: 200, body, headers: { 'x-ms-request-id': 'x' } },
  };
}

test('another resource group, and options that do not fit', async () => {
  await using _rig = await night({ groups: ['drills'] });
  const { exitCode, text, report } = await created('--to-resource-group', 'drills');
  assert.is(exitCode, 0, text);
  assert.match(report.disks[0]?.diskId ?? '', '/resourceGroups/drills/');
  const refusals = [
    [['--to', 'https://a.blob.core.windows.net/c?sig=x'], '--to-resource-group'],
    [['--to-resource-group', 'nowhere'], 'check --to-resource-group'],
    [['--zone', 'west'], 'expected a number from 1 to 9, or none'],
    [['--sku', '7=best'], 'expected a storage type such as Premium_LRS'],
    [['--sku', '8=Premium_LRS'], 'has no disk with this LUN; it has 2, 7'],
    [['--accept', 'incomplete', '--prefix', '-'], '--prefix'],
  ] as const;
  for (const [args, words] of refusals) {
    const { exitCode: code, stderr } = await restore('--create', ...args);
    assert.is(code, 2, words);
    assert.match(stderr, words);
  }
});

test('an incomplete restore point is refused, unless that is accepted', async () => {
  await using rig = await Rig.start({ at: 'lab', limits: 'none' }, [{}, {}]);
  await putSnapshot(rig, 'n0', 'disk0', tagsOf('night', 1));
  const refused = await restore();
  assert.is(refused.exitCode, 2);
  assert.match(refused.stderr, '--accept incomplete');
  const accepted = await restore('--accept', 'incomplete');
  assert.is(accepted.exitCode, 0, accepted.stderr);
  assert.match(accepted.stdout, '! without a snapshot: disk 2');
});

test.run();
