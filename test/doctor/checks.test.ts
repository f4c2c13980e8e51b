import * as assert from 'uvu/assert';
import { examine } from '../../src/doctor/checks.ts';
import type { Check, MachineFacts } from '../../src/doctor/doctor-types.ts';
import { expiryOf } from '../../src/snapshot/blob/sas-expiry.ts';
import { goodRecord } from '../backup/fixtures/records.ts';
import { suite } from '../suite.ts';

const test = suite('doctor');
const NOW = new Date('2026-11-22T08:00:00Z');
const plan = { ...goodRecord(2).plan, daemons: [] };

const healthy: MachineFacts = {
  isRoot: true,
  effectiveCapabilities: '000001ffffffffff',
  uidMap: '         0          0 4294967295\n',
  kernelRelease: '6.18.0-azure',
  container: undefined,
  sharesMountsWithInit: true,
  brokenPart: undefined,
  plan,
  canExpedite: true,
  lock: { kind: 'free' },
  leftFrozen: [],
  maintenance: [],
  programs: [],
  logFolder: { path: '/var/log/flashfreeze/runs', isFrozen: true },
  clock: { synchronized: true, source: 'chrony', aheadMs: 0.012, maxErrorMs: 0.4 },
  openssl: 'OpenSSL 3.0.19',
  hostProblem: undefined,
  proxies: [],
  configurationProblems: [],
  blobs: [],
  setProblems: undefined,
  managed: undefined,
};

test('a healthy machine gives a tick for everything', () => {
  const { status, checks } = examine(healthy, NOW);
  assert.is(status, 'ok');
  assert.ok(checks.length >= 14);
  assert.ok(checks.every(({ remedy }) => remedy === null));
});

const daemon = {
  pid: 7,
  command: 'fapolicyd',
  connections: [],
  permissionGroups: [],
  writesTo: [],
};
const blob = { blob: 'https://a.example/c/b', problem: undefined, expires: undefined };
const image = plan.fileSystems.map((it, index) => (index === 0 ? { ...it, imageOn: '8:16' } : it));

const cases: readonly [string, Partial<MachineFacts>, Check['status'], string, string][] = [
  ['not root', { isRoot: false }, 'failed', 'root', 'sudo'],
  ['root of a user namespace', { uidMap: ' 0 1000 1' }, 'failed', 'root', 'machine itself'],
  ['no CAP_SYS_ADMIN', { effectiveCapabilities: '00000000a80425fb' }, 'failed', 'root', 'CAP_SYS'],
  ['an old kernel', { kernelRelease: '3.10.0-1160' }, 'warning', 'kernel', '--timeout'],
  ['a container', { container: '/.dockerenv' }, 'warning', 'container', 'machine itself'],
  ['another namespace', { sharesMountsWithInit: false }, 'warning', 'container', 'nsenter'],
  ['a broken part', { brokenPart: 'the addon is missing' }, 'failed', 'parts', 'npm ci'],
  [
    'a dead run',
    { leftFrozen: [{ mountPoint: '/data', device: '8:16', isMounted: true }] },
    'failed',
    'leftovers',
    'flashfreeze thaw /data',
  ],
  [
    'a scrub',
    { maintenance: [{ sentence: 'a scrub', remedy: 'cancel it', course: 'refuse' }] },
    'failed',
    'btrfs-maintenance',
    'cancel it',
  ],
  [
    'a balance',
    { maintenance: [{ sentence: 'a balance', remedy: 'pause it', course: 'pause' }] },
    'warning',
    'btrfs-maintenance',
    'nothing to do: a run pauses it and resumes it',
  ],
  [
    'a dead run whose file system is not mounted any more',
    { leftFrozen: [{ mountPoint: '/data', device: '8:16', isMounted: false }] },
    'failed',
    'leftovers',
    'mount it again',
  ],
  ['no plan', { plan: { error: 'nothing' } }, 'failed', 'file-systems', 'MountsToSkip'],
  [
    'a file system that cannot be frozen',
    {
      plan: {
        ...plan,
        excluded: [
          {
            device: '1:1',
            type: 'vfat',
            mountPoint: '/efi',
            reason: 'not-freezable',
            disks: ['sda'],
            isWritable: true,
          },
        ],
      },
    },
    'warning',
    'unfreezable',
    'little is written',
  ],
  [
    'a warning of the plan',
    { plan: { ...plan, warnings: ['a cycle'] } },
    'warning',
    'file-system-relations',
    '--skip',
  ],
  [
    'a permission daemon',
    {
      plan: {
        ...plan,
        daemons: [{ ...daemon, permissionGroups: [{ descriptor: 3, watches: ['8:0'] }] }],
      },
    },
    'warning',
    'permission-daemon',
    'lastLever',
  ],
  [
    'a FUSE daemon that writes to disks',
    { plan: { ...plan, daemons: [{ ...daemon, connections: ['0:50'], writesTo: ['8:0'] }] } },
    'warning',
    'fuse',
    'frozen before',
  ],
  ['auditd', { programs: ['auditd'] }, 'warning', 'auditd', 'backlog'],
  ['slow grace periods', { canExpedite: false }, 'warning', 'grace-periods', '/sys'],
  ['a lock that is held', { lock: { kind: 'held', message: 'held' } }, 'warning', 'lock', 'wait'],
  ['a bad lock', { lock: { kind: 'unusable', message: 'bad' } }, 'failed', 'lock', 'owner'],
  [
    'no log folder',
    { logFolder: { path: '/x', isFrozen: false, problem: 'EROFS' } },
    'warning',
    'log-folder',
    'writable',
  ],
  [
    'a configuration with doubts',
    { configurationProblems: [{ problem: 'timeout = x', isGrave: false }] },
    'warning',
    'configuration',
    'correct',
  ],
  [
    'a configuration that cannot be used',
    { configurationProblems: [{ problem: 'timeout = x', isGrave: true }] },
    'failed',
    'configuration',
    'correct',
  ],
  [
    'a free-running clock',
    { clock: { synchronized: false, source: 'kernel', aheadMs: null, maxErrorMs: null } },
    'warning',
    'clock',
    'chrony',
  ],
  ['an unknown clock', { clock: undefined }, 'warning', 'clock', 'chrony'],
  ['no openssl', { openssl: undefined }, 'warning', 'openssl', 'install'],
  ['no host', { hostProblem: 'ECONNREFUSED' }, 'warning', 'host', '168.63.129.16'],
  ['a proxy', { proxies: ['HTTPS_PROXY'] }, 'warning', 'proxy', 'directly'],
  ['a blob that is refused', { blobs: [{ ...blob, problem: 'no' }] }, 'failed', 'blob', 'SAS'],
  [
    'a SAS that ends soon',
    { blobs: [{ ...blob, expires: new Date('2026-11-22T08:10:30Z') }] },
    'warning',
    'blob',
    'lasts longer',
  ],
];

for (const [name, changes, status, id, remedy] of cases) {
  test(`${name}: ${status}, with a remedy`, () => {
    const report = examine({ ...healthy, ...changes }, NOW);
    assert.is(report.status, status);
    const remarks = report.checks.filter((it) => it.status !== 'ok');
    assert.equal(
      remarks.map((it) => [it.id, it.status]),
      [[id, status]],
    );
    assert.match(remarks[0]?.remedy ?? '', remedy);
  });
}

test('an image and a blob in order are told and nothing to worry about', () => {
  const blobs = [blob, { ...blob, expires: new Date('2026-11-23T08:00:00Z') }];
  const report = examine({ ...healthy, plan: { ...plan, fileSystems: image }, blobs }, NOW);
  assert.is(report.status, 'ok');
  assert.ok(report.checks.some(({ id }) => id === 'image'));
  assert.is(report.checks.filter(({ id }) => id === 'blob').length, 2);
});

test('reads the end of a SAS', () => {
  const at = '2026-11-22T09:00:00Z';
  assert.is(
    expiryOf(`https://a.example/c/b?se=${encodeURIComponent(at)}&sig=x`)
      ?.toISOString()
      .slice(0, 19),
    at.slice(0, 19),
  );
  assert.is(expiryOf('https://a.example/c/b?sig=x'), undefined);
  assert.is(expiryOf('no url'), undefined);
});

test.run();
