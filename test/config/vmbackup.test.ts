import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { closestName, editDistance } from '../../src/config/closest-name.ts';
import { parsePythonIni } from '../../src/config/python-ini.ts';
import {
  DEFAULT_VM_BACKUP_CONFIGURATION as DEFAULTS,
  parseVmBackupConfiguration,
  readVmBackupConfiguration,
  type VmBackupConfiguration,
} from '../../src/config/vmbackup.ts';
import { FlashfreezeError } from '../../src/errors.ts';
import { suite } from '../suite.ts';

const test = suite('vmbackup.conf');
const PATH = '/etc/azure/vmbackup.conf';

function configurationOf(text: string): VmBackupConfiguration {
  const { configuration, warnings } = parseVmBackupConfiguration(text, PATH);
  assert.equal(warnings, []);
  return configuration;
}

test('the file of the public troubleshooting page is understood', () => {
  const text =
    '[SnapshotThread]\nfsfreeze: True\nMountsToSkip = /mnt/resource\nSafeFreezeWaitInSeconds=600\n';
  assert.equal(configurationOf(text), {
    ...DEFAULTS,
    mountsToSkip: ['/mnt/resource'],
    waveLimitMs: 600_000,
  });
});

test('an empty file and one without our sections leave the defaults', () => {
  for (const text of ['', '\n\n# nothing\n', '[Other]\ntimeout = 1\n']) {
    assert.equal(configurationOf(text), DEFAULTS);
  }
});

const SHARED: readonly [line: string, expected: Partial<VmBackupConfiguration>][] = [
  ['timeout = 90', { timeoutMs: 90_000 }],
  ['TIMEOUT=0.5', { timeoutMs: 500 }],
  ['mountstoskip = /a, /b/ ,/c d,', { mountsToSkip: ['/a', '/b/', '/c d'] }],
  ['MountsToSkip = /a,\n  /b', { mountsToSkip: ['/a', '/b'] }],
  ['MountsToSkip = /a\n\t/b', { mountsToSkip: ['/a', '/b'] }],
  ['MountsToSkip = /srv/#1,/x;y', { mountsToSkip: ['/srv/#1', '/x;y'] }],
  ['MountsToSkip =', { mountsToSkip: [] }],
  ['timeout = 30 ; half a minute', { timeoutMs: 30_000 }],
  ['timeout : 30', { timeoutMs: 30_000 }],
  ['MountsToSkip = "/a", \'/b c\',/d', { mountsToSkip: ['/a', '/b c', '/d'] }],
  ['MountsToSkip = "/a,/b"', { mountsToSkip: ['/a', '/b'] }],
  ['MountsToSkip = /a\rtimeout = 90', { mountsToSkip: ['/a'], timeoutMs: 90_000 }],
  ['seqsnapshot = 0', { sequentialSnapshot: false }],
  ['seqsnapshot = 02', { sequentialSnapshot: true }],
  ['seqsnapshot = 2', { sequentialSnapshot: true }],
  ['SnapshotMethod = onlyguest', { snapshotMethod: 'onlyGuest' }],
  ['UploadStatusAndLog = False', { uploadStatusAndLog: false }],
  ['WriteLog = no', { writeLog: false }],
  ['LoggingOff = 1', { logsWhileFrozen: false }],
  ['disable_logging = 1', { events: false }],
  ['OnAppFailureDoFsFreeze = off', { freezeAfterAppFailure: false }],
  ['OnAppSuccessDoFsFreeze = 0', { freezeAfterAppSuccess: false }],
  ['onlyLocalFilesystems = true', { onlyLocalFileSystems: true }],
  ['unheard_of = anything', {}],
];

test('each key of [SnapshotThread] is read', () => {
  for (const [line, expected] of SHARED) {
    assert.equal(
      configurationOf(`[SnapshotThread]\n${line}\n`),
      { ...DEFAULTS, ...expected },
      line,
    );
  }
});

test('seqsnapshot = 1, which another extension writes by itself, is passed over with a warning', () => {
  const { configuration, warnings } = parseVmBackupConfiguration(
    '[SnapshotThread]\nseqsnapshot = 1\n',
    PATH,
  );
  assert.equal(configuration, DEFAULTS);
  assert.is(warnings.length, 1);
  assert.match(warnings.join(), /seqsnapshot = 1 is ignored.*set 2/);
});

test('a key without a value sets nothing', () => {
  const keys = ['timeout', 'MountsToSkip', 'SnapshotMethod', 'seqsnapshot', 'fsfreeze', 'WriteLog'];
  const lines = keys.map((key) => `${key} =`).join('\n');
  assert.equal(configurationOf(`[SnapshotThread]\n${lines}\n`), DEFAULTS);
});

test('a time limit that is too long is cut to the longest, with a warning', () => {
  for (const [key, setting] of [
    ['timeout', 'timeoutMs'],
    ['SafeFreezeWaitInSeconds', 'waveLimitMs'],
  ] as const) {
    // A timer of Node's that is to ring in over 24 days rings at once.
    for (const value of ['3601', '3000000', '1e400']) {
      const text = `[SnapshotThread]\n${key} = ${value}\n`;
      const { configuration, warnings } = parseVmBackupConfiguration(text, PATH);
      assert.equal(configuration, { ...DEFAULTS, [setting]: 3_600_000 });
      assert.equal(warnings, [`${PATH}: ${key} is more than 3600, which is used instead`]);
    }
  }
});

test('waveLimit wins over SafeFreezeWaitInSeconds, which wins over the default', () => {
  const shared = '[SnapshotThread]\nSafeFreezeWaitInSeconds = 66\n';
  assert.is(configurationOf(shared).waveLimitMs, 66_000);
  assert.is(configurationOf(`${shared}[Flashfreeze]\nwaveLimit = 20\n`).waveLimitMs, 20_000);
  assert.is(configurationOf('').waveLimitMs, 10_000);
});

test('the section [Monitor] is named, with what to use instead', () => {
  const { configuration, warnings } = parseVmBackupConfiguration(
    '[Monitor]\nRun = True\nStrace = True\n',
    PATH,
    'refuse',
  );
  assert.equal(configuration, DEFAULTS);
  assert.match(warnings.join(), /\[Monitor\] is not supported.*timeline/);
});

test('fsfreeze = False is read, and is a warning', () => {
  for (const value of ['FALSE', 'no', '0', 'off']) {
    const text = `[SnapshotThread]\nfsfreeze = ${value}\n`;
    const { configuration, warnings } = parseVmBackupConfiguration(text, PATH);
    assert.equal(configuration, { ...DEFAULTS, freeze: false });
    assert.is(warnings.length, 1);
    assert.match(warnings.join(), /fsfreeze is off.*crash-consistent/);
  }
});

const MISSPELT: readonly [text: string, warning: RegExp | undefined][] = [
  ['[SnapshotThread]\ntimout = 5', /no key timout in \[SnapshotThread\].*did you mean timeout\?/],
  ['[SnapshotThread]\nMounts_To_Skip = /a', /did you mean MountsToSkip\?/],
  [
    '[SnapshotThread]\nwaveLimit = 5',
    /waveLimit in \[SnapshotThread\].*belongs in \[Flashfreeze\]/,
  ],
  [
    '[snapshotthread]\ntimeout = 5',
    /no section \[snapshotthread\].*did you mean \[SnapshotThread\]\?/,
  ],
  ['[SnapshotThreads]\ntimeout = 5', /did you mean \[SnapshotThread\]\?/],
  ['[flashfreeze]\nfire = early', /did you mean \[Flashfreeze\]\?/],
  ['[Retentoin]\nkeepLast = 3', /did you mean \[Retention\]\?/],
  ['[SnapshotThread]\nunheard_of = 1', undefined],
  ['[OtherTool]\ntimout = 1', undefined],
  ['[Retention]\nkeepLast = 3', undefined],
];

for (const [text, expected] of MISSPELT) {
  test(`${text.replace('\n', ' ')}: ${expected === undefined ? 'belongs to another tool' : 'is told with the right name'}`, () => {
    const { configuration, warnings } = parseVmBackupConfiguration(text, PATH);
    assert.equal(configuration, DEFAULTS);
    assert.is(warnings.length, expected === undefined ? 0 : 1);
    assert.match(warnings.join(), expected ?? '');
  });
}

test('a value that makes no sense in [SnapshotThread] is a warning beside the default', () => {
  for (const line of [
    'timeout = soon',
    'timeout = 0',
    'seqsnapshot = 7',
    'fsfreeze = maybe',
    'fsfreeze = constructor',
    'SnapshotMethod = both',
  ]) {
    const { configuration, warnings } = parseVmBackupConfiguration(
      `[SnapshotThread]\n${line}\n`,
      PATH,
    );
    assert.equal(configuration, DEFAULTS);
    assert.is(warnings.length, 1, line);
    assert.match(warnings[0] ?? '', PATH);
  }
});

test('a malformed file is warned of, and the lines that can be read count', () => {
  const text = 'timeout = 5\n[SnapshotThread]\nwhat is this\ntimeout = 6\n';
  const { configuration, warnings } = parseVmBackupConfiguration(text, PATH);
  assert.is(configuration.timeoutMs, 6000);
  assert.equal(warnings, [
    `${PATH}: line 1 comes before the first [section]`,
    `${PATH}: line 3 is neither a [section] nor key = value`,
  ]);
});

test('no text at all makes it throw, except through our own section', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { configuration } = parseVmBackupConfiguration(
        `[SnapshotThread]\n${text.replaceAll('[', '(')}`,
        PATH,
      );
      assert.ok(configuration.timeoutMs > 0);
    }),
  );
});

test('each key of [Flashfreeze] is read', () => {
  const text =
    '[Flashfreeze]\nfire = barrier\nretryStuckFreeze = no\nLASTLEVER = Kill\nbtrfsMaintenance = refuse\nlanes = 2\npollInterval = 0.5\n';
  assert.equal(configurationOf(text), {
    ...DEFAULTS,
    fire: 'barrier',
    retryStuckFreeze: false,
    lastLever: 'kill',
    btrfsMaintenance: 'refuse',
    lanes: 2,
    pollIntervalMs: 500,
  });
});

function refusalOf(line: string): string {
  try {
    parseVmBackupConfiguration(`[Flashfreeze]\n${line}\n`, PATH);
  } catch (error) {
    assert.instance(error, FlashfreezeError);
    assert.is((error as FlashfreezeError).code, 'FF_CONFIG_INVALID');
    return (error as FlashfreezeError).message;
  }
  return assert.unreachable(`accepted: ${line}`) as never;
}

test('a misspelt key in [Flashfreeze] is refused and the right one named', () => {
  assert.match(refusalOf('retryStuckFreze = 1'), 'did you mean retryStuckFreeze?');
  assert.match(refusalOf('last_lever = deny'), 'did you mean lastLever?');
  assert.match(refusalOf('lane = 2'), 'did you mean lanes?');
});

test('where nobody looks a mistake in [Flashfreeze] is a warning, and everything else holds', () => {
  const { configuration, warnings } = parseVmBackupConfiguration(
    '[SnapshotThread]\nMountsToSkip = /u01\n[Flashfreeze]\nlane = 4\nfire = barrier\nwaveLimit = x\n',
    PATH,
    'warn',
  );
  assert.equal(configuration.mountsToSkip, ['/u01']);
  assert.is(configuration.fire, 'barrier');
  assert.is(warnings.length, 2);
  assert.match(warnings[0] ?? '', 'did you mean lanes');
});

test('a wrong value in [Flashfreeze] is refused and the right ones named', () => {
  assert.match(refusalOf('fire = late'), 'expected early, barrier');
  assert.match(refusalOf('lastLever = pray'), 'deny, allow, kill, off');
  assert.match(refusalOf('lanes = 0'), 'a whole number from 1 to 64');
  assert.match(refusalOf('lanes = many'), 'a whole number');
});

test('a file that is not there is no warning, one that cannot be read is', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'vmbackup-'));
  try {
    assert.equal(readVmBackupConfiguration(join(directory, 'none')), {
      configuration: DEFAULTS,
      warnings: [],
    });
    const { configuration, warnings } = readVmBackupConfiguration(directory);
    assert.equal(configuration, DEFAULTS);
    assert.match(warnings[0] ?? '', 'EISDIR');
    const file = join(directory, 'vmbackup.conf');
    await writeFile(file, '\ufeff[SnapshotThread]\r\ntimeout = 7\r\n');
    assert.is(readVmBackupConfiguration(file).configuration.timeoutMs, 7000);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('names on the prototype are no keys', () => {
  const { sections } = parsePythonIni('[__proto__]\na=1\n[x]\n__proto__=1\nconstructor=2\n');
  assert.equal([...(sections.get('x') ?? [])], [['constructor', '2']]);
});

test('the edit distance is a distance', () => {
  assert.is(editDistance('kitten', 'sitting'), 3);
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      assert.is(editDistance(a, b), editDistance(b, a));
      assert.is(editDistance(a, b) === 0, a === b);
    }),
  );
  assert.is(closestName('lanse', ['fire', 'lanes']), 'lanes');
});

test('a value that may be secret is not repeated when it is wrong, nor a part of it that counts as a key', () => {
  for (const line of [
    'notify = mail --password hush1234',
    "notify = /x 'hush1234",
    'notify /x hush1234 --to=me',
    'notify /x --to=hush1234',
  ]) {
    const text = `[Flashfreeze]\n${line}\n`;
    const { warnings } = parseVmBackupConfiguration(text, PATH, 'warn');
    assert.is(warnings.length, 1, line);
    assert.match(warnings[0] ?? '', /(?:value of|no key) notify.* in \[Flashfreeze\]/);
    assert.not.match(warnings[0] ?? '', 'hush1234');
  }
});

test.run();
