import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { examine } from '../../src/doctor/checks.ts';
import { renderDoctor, reportOf } from '../../src/doctor/doctor-terminal.ts';
import type { MachineFacts } from '../../src/doctor/doctor-types.ts';
import { nextRunIn } from '../../src/doctor/read-schedule.ts';
import { doctorReportSchema } from '../../src/report/schemas/doctor-report.ts';
import { suite } from '../suite.ts';
import { blob, daemon, healthy, NOW, plan, whole } from './fixtures/machine.ts';

const test = suite('what doctor leaves alone, and how it is shown');

const NORMAL: readonly [name: string, changes: Partial<MachineFacts>, id: string][] = [
  [
    'an EFI system partition',
    {
      plan: {
        ...plan,
        excluded: [
          {
            ...{ device: '8:15', type: 'vfat', mountPoint: '/boot/efi', isWritable: true },
            ...{ reason: 'not-freezable', disks: ['sda'] },
          },
        ],
      },
    },
    'unfreezable',
  ],
  [
    'a permission daemon',
    {
      plan: {
        ...plan,
        daemons: [{ ...daemon, permissionGroups: [{ descriptor: 3, watches: ['8:0'] }] }],
      },
    },
    'permission-daemon',
  ],
  [
    'a FUSE daemon that writes to disks',
    { plan: { ...plan, daemons: [{ ...daemon, connections: ['0:50'], writesTo: ['8:0'] }] } },
    'fuse',
  ],
  ['auditd with a large backlog', { programs: ['auditd'], auditBacklog: 8_192 }, 'auditd'],
  [
    'a SAS that outlasts the next run',
    {
      blobs: [{ ...blob, expires: new Date('2026-11-23T02:15:00Z') }],
      nextRun: { at: new Date('2026-11-23T02:00:00Z'), by: '--at' },
    },
    'blob',
  ],
  [
    'a btrfs, which has no limit of inodes',
    { places: [{ path: '/var', freeBytes: 2 ** 30, freeInodes: undefined }] },
    'room',
  ],
  ['scripts in order', { quiesce: { scripts: ['/s'], findings: [], remarks: [] } }, 'quiesce'],
  ['metrics', { metricsFile: { path: '/x/f.prom', problem: undefined } }, 'metrics-file'],
];

for (const [name, changes, id] of NORMAL) {
  test(`${name} is normal: a tick, and nothing to do`, () => {
    const report = examine({ ...healthy, set: whole, ...changes }, NOW);
    assert.is(report.status, 'ok');
    assert.ok(report.checks.some((it) => it.id === id));
  });
}

test('outside of Azure there is no host service to reach', () => {
  const { status, checks } = examine({ ...healthy, isAzureVm: false }, NOW);
  assert.is(status, 'ok');
  assert.not.ok(checks.some(({ id }) => id === 'host'));
});

test('without root, what was not looked at is not judged', () => {
  const report = examine(
    {
      ...healthy,
      ...{
        isRoot: false,
        sharesMountsWithInit: undefined,
        canExpedite: false,
        brokenPart: 'EPERM',
      },
      ...{ blobs: [blob], set: whole },
    },
    NOW,
  );
  assert.equal(
    report.checks.map(({ id, status }) => [id, status]),
    [
      ['root', 'failed'],
      ...['kernel', 'clock', 'openssl', 'host', 'proxy', 'authorities', 'blob'].map((id) => [
        id,
        'ok',
      ]),
    ],
  );
});

test('long lists are cut for people, with their number, and whole with --all and in JSON', () => {
  const fileSystems = Array.from({ length: 64 }, (_, index) => ({
    ...(plan.fileSystems[0] as (typeof plan.fileSystems)[number]),
    mountPoint: `/data/${index}.`,
  }));
  const blobs = fileSystems.map((_, index) => ({
    ...blob,
    blob: `https://a.example/c/b${index}.`,
  }));
  const facts = { ...healthy, plan: { ...plan, fileSystems }, blobs, set: whole };
  const found = examine(facts, NOW);
  const brief = renderDoctor(found, false);
  assert.match(brief, '64 can be frozen: /data/0. (ext4), ');
  assert.match(brief, ' and 56 more');
  assert.match(brief, '✓ blob: 61 more; --all shows them');
  assert.not.match(brief, 'b63.');
  const json = reportOf(found);
  for (const whole of [renderDoctor(found, true), JSON.stringify(json)]) {
    assert.match(whole, '/data/63.');
    assert.match(whole, 'b63.');
    assert.not.match(whole, 'more');
  }
  v.parse(doctorReportSchema, json);
});

test('the earliest timer of systemd is the next run', () => {
  const shown = `Id=flashfreeze-b.timer
NextElapseUSecRealtime=Mon 2026-11-30 02:00:00 UTC

Id=flashfreeze-a.timer
NextElapseUSecRealtime=Sun 2026-11-29 23:15:07 UTC

Id=flashfreeze-off.timer
NextElapseUSecRealtime=
`;
  assert.equal(nextRunIn(shown), {
    at: new Date('2026-11-29T23:15:07Z'),
    by: 'flashfreeze-a.timer',
  });
  assert.is(nextRunIn(''), undefined);
  assert.is(nextRunIn('Id=x\nNextElapseUSecRealtime=n/a\n'), undefined);
});

test.run();
