import * as assert from 'uvu/assert';
import { examine } from '../../src/doctor/checks.ts';
import type { Check, MachineFacts } from '../../src/doctor/doctor-types.ts';
import { type DegradedArray, describeDegraded } from '../../src/filesystems/degraded-arrays.ts';
import { type DataMove, describeMove } from '../../src/filesystems/moving-data.ts';
import { expiryOf } from '../../src/snapshot/blob/sas-expiry.ts';
import { suite } from '../suite.ts';
import { blob, healthy, NOW, plan, whole } from './fixtures/machine.ts';

const test = suite('doctor');
test('a healthy machine gives a tick for everything', () => {
  const { status, checks } = examine(healthy, NOW);
  assert.is(status, 'ok');
  assert.ok(checks.length >= 14);
  assert.ok(checks.every(({ remedy }) => remedy === null));
});

const DEGRADED: DegradedArray = { device: 'md2', level: 'raid5', disks: ['sde', 'sdf'] };
const RESHAPE: DataMove = { device: 'md1', kind: 'reshape', disks: ['sdc', 'sdd'] };
const image = plan.fileSystems.map((it, index) => (index === 0 ? { ...it, imageOn: '8:16' } : it));

function quiesce(finding: {
  readonly code: 302 | 307;
  readonly tolerated: boolean;
}): MachineFacts['quiesce'] {
  return { scripts: [], remarks: [], findings: [{ ...finding, message: 'the script /s' }] };
}

const cases: readonly [string, Partial<MachineFacts>, Check['status'], string, string][] = [
  ['not root', { isRoot: false }, 'failed', 'root', 'sudo'],
  ['root of a user namespace', { uidMap: ' 0 1000 1' }, 'failed', 'root', 'machine itself'],
  ['no CAP_SYS_ADMIN', { effectiveCapabilities: '00000000a80425fb' }, 'failed', 'root', 'CAP_SYS'],
  ['an old kernel', { kernelRelease: '3.10.0-1160' }, 'warning', 'kernel', '--timeout'],
  ['a container', { container: '/.dockerenv' }, 'warning', 'container', 'machine itself'],
  ['another namespace', { sharesMountsWithInit: false }, 'warning', 'container', 'nsenter'],
  ['a broken part', { brokenPart: 'the addon is missing' }, 'failed', 'parts', 'again'],
  [
    'a dead run',
    { leftFrozen: [{ mountPoint: '/data', device: '8:16', isMounted: true }] },
    'failed',
    'leftovers',
    'flashfreeze thaw /data',
  ],
  [
    'a scrub',
    {
      maintenance: [
        { code: 'FF_BTRFS_BUSY', sentence: 'a scrub', remedy: 'cancel it', course: 'refuse' },
      ],
    },
    'failed',
    'btrfs-maintenance',
    'cancel it',
  ],
  [
    'a resize',
    {
      maintenance: [
        { code: 'FF_RESIZE_RUNNING', sentence: 'resize2fs', remedy: 'wait', course: 'refuse' },
      ],
    },
    'failed',
    'resize',
    'wait',
  ],
  [
    'a balance',
    {
      maintenance: [
        { code: 'FF_BTRFS_BUSY', sentence: 'a balance', remedy: 'pause it', course: 'pause' },
      ],
    },
    'warning',
    'btrfs-maintenance',
    'nothing to do: a run pauses it and resumes it',
  ],
  [
    'a policy that forbids the freeze',
    { forbidden: ['/data', '/logs'] },
    'failed',
    'security-policy',
    'audit log',
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
            mountPoint: '/mnt/share',
            reason: 'not-freezable',
            disks: ['sda'],
            isWritable: true,
          },
        ],
      },
    },
    'warning',
    'unfreezable',
    'stop its writers',
  ],
  [
    'a warning of the plan',
    { plan: { ...plan, warnings: ['a cycle'] } },
    'warning',
    'file-system-relations',
    '--skip',
  ],
  [
    'a reshape of an array',
    { plan: { ...plan, warnings: [describeMove(RESHAPE)], moves: [RESHAPE] } },
    'warning',
    'moving-data',
    'echo frozen >/sys/block/md1/md/sync_action',
  ],
  [
    'a degraded array',
    { plan: { ...plan, warnings: [describeDegraded(DEGRADED)], degraded: [DEGRADED] } },
    'warning',
    'degraded-array',
    'cat /proc/mdstat',
  ],
  ['auditd', { programs: ['auditd'] }, 'warning', 'auditd', 'backlog'],
  [
    'auditd with a small backlog',
    { programs: ['auditd'], auditBacklog: 64 },
    'warning',
    'auditd',
    'auditctl -b',
  ],
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
  [
    'an agent without extensions',
    { agentRunsExtensions: false },
    'warning',
    'waagent',
    'Extensions.Enabled = y',
  ],
  [
    'a bad SSL_CERT_FILE',
    { authorities: { source: 'x', problem: 'SSL_CERT_FILE=/x cannot be read' } },
    'warning',
    'authorities',
    'SSL_CERT_FILE',
  ],
  [
    'no space',
    { places: [{ path: '/var', freeBytes: 2 ** 20, freeInodes: 5_000 }] },
    'warning',
    'room',
    'space',
  ],
  [
    'no inodes',
    { places: [{ path: '/var', freeBytes: 2 ** 30, freeInodes: 3 }] },
    'warning',
    'room',
    'inode',
  ],
  [
    'a file for metrics that cannot be written',
    { metricsFile: { path: '/x/f.prom', problem: '/x: ENOENT' } },
    'warning',
    'metrics-file',
    'metricsFile',
  ],
  [
    'a script that is missing',
    { quiesce: quiesce({ code: 302, tolerated: true }) },
    'warning',
    'quiesce',
    'preScriptLocation',
  ],
  [
    'a script that others may change, without which no snapshot may be taken',
    { quiesce: quiesce({ code: 307, tolerated: false }) },
    'failed',
    'quiesce',
    'chown root',
  ],
  [
    'a script with Windows line ends',
    { quiesce: { scripts: ['/s'], findings: [], remarks: ['ends in CR'] } },
    'warning',
    'quiesce',
    'correct the script',
  ],
  ['a proxy', { proxies: ['HTTPS_PROXY'] }, 'warning', 'proxy', 'directly'],
  ['a blob that is refused', { blobs: [{ ...blob, problem: 'no' }] }, 'failed', 'blob', 'SAS'],
  [
    'a SAS that ends soon',
    { blobs: [{ ...blob, expires: new Date('2026-11-22T08:10:30Z') }] },
    'warning',
    'blob',
    'lasts longer',
  ],
  [
    'a SAS that ends before the next run',
    {
      blobs: [{ ...blob, expires: new Date('2026-11-23T02:10:00Z') }],
      nextRun: { at: new Date('2026-11-23T02:00:00Z'), by: 'flashfreeze.timer' },
    },
    'failed',
    'blob',
    '15 minutes after',
  ],
  [
    'blobs with a gap that makes the set worthless',
    { blobs: [blob], set: { warnings: ['Incomplete'], faults: ['Incomplete'] } },
    'failed',
    'set',
    'list of blobs',
  ],
  [
    'blobs with a doubt about their set',
    { blobs: [blob], set: { warnings: ['a doubt'], faults: [] } },
    'warning',
    'set',
    'list of blobs',
  ],
  [
    'blobs that could not be compared',
    { blobs: [blob], set: undefined },
    'warning',
    'set',
    'failed checks first',
  ],
];

for (const [name, changes, status, id, remedy] of cases) {
  test(`${name}: ${status}, with a remedy`, () => {
    const report = examine({ ...healthy, set: whole, ...changes }, NOW);
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
  const facts = { ...healthy, plan: { ...plan, fileSystems: image }, blobs, set: whole };
  const report = examine(facts, NOW);
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
