import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  newestAgent,
  osVersionOf,
  readMachineFacts,
  workloadsOf,
} from '../../../src/extension/telemetry/machine-facts.ts';
import {
  durationText,
  type TelemetrySources,
  telemetryData,
} from '../../../src/extension/telemetry/telemetry-data.ts';
import { goodAnswer, goodRecord, heldTimes, targetRecord } from '../../backup/fixtures/records.ts';
import { suite } from '../../suite.ts';

const test = suite('telemetry data');

const SOURCES: TelemetrySources = {
  extensionVersion: '1.0.9200.0',
  machine: {
    guestAgentVersion: '2.15.0.1',
    osVersion: 'Debian GNU/Linux-13 (trixie)',
    kernelVersion: '6.12.0',
    platformArchitecture: '64bit',
    workloads: ['mysqld', 'postgresql'],
  },
  code: 1,
  consistency: 'fileSystemConsistent',
  isPrePostEnabled: false,
  appName: undefined,
  record: undefined,
  creator: undefined,
  usedSpace: undefined,
  isRootOnly: undefined,
  statusBlobUploadError: false,
};

test('a task that never came to a freeze tells what is known', () => {
  assert.equal(telemetryData({ ...SOURCES, code: 402, consistency: 'none' }), [
    ['extensionVersion', '1.0.9200.0'],
    ['guestAgentVersion', '2.15.0.1'],
    ['osVersion', 'Debian GNU/Linux-13 (trixie)'],
    ['kernelVersion', '6.12.0'],
    ['platformArchitecture', '64bit'],
    ['workloads', "['mysqld', 'postgresql']"],
    ['prePostEnabled', 'False'],
    ['consistencyType', 'none'],
    ['extErrorCode', 'FailedGuestAgentInvokedCommandTooLate'],
  ]);
});

test('the kind of billing is told if the task has the setting', () => {
  const billing = [undefined, false, true].map((isRootOnly) =>
    telemetryData({ ...SOURCES, isRootOnly }).find(([key]) => key === 'billingType'),
  );
  assert.equal(billing, [undefined, ['billingType', 'none'], ['billingType', 'os disk']]);
});

test('a finished task tells its times from the first to the last, its sizes and its own figures', () => {
  const pairs = new Map(
    telemetryData({
      ...SOURCES,
      appName: 'shop',
      isPrePostEnabled: true,
      record: goodRecord(2, {
        fileSystems: [heldTimes(), heldTimes({ frozenNs: 15_500_000n, thawedNs: 49_250_000n })],
        disks: [
          targetRecord(goodAnswer(0)),
          targetRecord(goodAnswer(1, { acknowledgedNs: 2_013_000_000n })),
        ],
      }),
      creator: {
        name: 'guestExtension',
        hostStatusCodePreSnapshot: '555',
        hostStatusCodeDoSnapshot: undefined,
      },
      usedSpace: {
        partitionCount: 2,
        totalUsedSizeInBytes: 30,
        isSizeComputationFailed: false,
        figures: {
          ramDisksBytes: 0,
          temporaryDisksBytes: 2_048,
          loopDevicesBytes: 1_025,
          scsiDisksBytes: 30 * 1_024,
          networkTypes: ['fuse.glusterfs', 'nfs4'],
          unknownTypes: ['zfs'],
        },
      },
      isRootOnly: true,
      statusBlobUploadError: true,
    }),
  );
  const expected = {
    appName: 'shop',
    FreezeTime: '0:00:00.005500',
    snapshotTimeTaken: '0:00:02.000000',
    ThawTime: '0:00:00.009250',
    snapshotCreator: 'guestExtension',
    hostStatusCodePreSnapshot: '555',
    prePostEnabled: 'True',
    isPrePostEnabled: 'true',
    billingType: 'os disk',
    networkFSTypeInDf: "['fuse.glusterfs', 'nfs4']",
    tempDisksSize: '2',
    loopDevicesSize: '2',
    totalsdSize: '30',
    unknownFSTypeInDf: "['zfs']",
    statusBlobUploadError: 'true',
    ffWindowMaxMs: '39.25',
    ffFreezeAttempts: '1',
    ffFileSystems: '2',
    ffDisks: '2',
  };
  for (const [key, value] of Object.entries(expected)) {
    assert.is(pairs.get(key), value, key);
  }
  const unknownOrNothing = ['hostStatusCodeDoSnapshot', 'ramDisksSize', 'totalUsedNetworkShare'];
  for (const key of unknownOrNothing) {
    assert.not.ok(pairs.has(key), key);
  }
});

test('a run in which nothing froze has no times of a freeze', () => {
  const times = heldTimes({ frozenNs: undefined, thawStartNs: undefined, thawedNs: undefined });
  const record = goodRecord(1, { fileSystems: [times], disks: [], barrier: undefined });
  const keys = telemetryData({ ...SOURCES, record }).map(([key]) => key);
  for (const key of ['FreezeTime', 'snapshotTimeTaken', 'ThawTime', 'ffBarrier']) {
    assert.not.ok(keys.includes(key), key);
  }
});

test('durations have hours, minutes, seconds and microseconds', () => {
  assert.is(durationText(0n), '0:00:00.000000');
  assert.is(durationText(1_234_567n), '0:00:00.001234');
  assert.is(durationText(3_725_000_001_000n), '1:02:05.000001');
});

test('databases are known by the names of their processes', () => {
  assert.equal(workloadsOf(['bash', 'ora_pmon_ORCL', 'postgres', 'postgres', 'mysqld']), [
    'mysqld',
    'oracle',
    'postgresql',
  ]);
  assert.equal(workloadsOf(['mysqld_exporter', 'not-postgres']), []);
});

test('the newest agent is found by number, not by letter', () => {
  const names = ['WALinuxAgent-2.9.1.1', 'WALinuxAgent-2.15.0.1', 'WALinuxAgent-x', 'events'];
  assert.is(newestAgent(names), '2.15.0.1');
  assert.is(newestAgent(['events']), '');
});

test('os-release is read quoted and unquoted', () => {
  assert.is(
    osVersionOf('NAME="Debian GNU/Linux"\nVERSION_ID=13\nVERSION="13 (trixie)"\n'),
    'Debian GNU/Linux-13 (trixie)',
  );
  assert.is(osVersionOf("NAME='Alma'\nVERSION=9.4\n"), 'Alma-9.4');
  assert.is(osVersionOf('NAME=Arch\n'), 'Arch-Unknown');
  assert.is(osVersionOf(''), 'Unknown');
});

test('the machine’s own facts are there, without an agent too', async () => {
  const facts = await readMachineFacts('/nonexistent', undefined, '/nonexistent');
  assert.is(facts.guestAgentVersion, '');
  assert.ok(facts.osVersion !== '' && facts.kernelVersion !== '');
  assert.match(facts.platformArchitecture, /^64bit$/);
});

test('an agent that runs from its package is known by it', async () => {
  const libraries = await mkdtemp(join(tmpdir(), 'flashfreeze-agent-'));
  try {
    const common = join(libraries, 'python3.11/site-packages/azurelinuxagent/common');
    await mkdir(common, { recursive: true });
    await writeFile(
      join(common, 'version.py'),
      'AGENT_NAME = "WALinuxAgent"\nAGENT_VERSION = \'2.15.0.1\'\n',
    );
    const facts = await readMachineFacts('/nonexistent', undefined, libraries);
    assert.is(facts.guestAgentVersion, '2.15.0.1');
  } finally {
    await rm(libraries, { recursive: true });
  }
});

test.run();
