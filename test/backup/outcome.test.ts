import * as assert from 'uvu/assert';
import { judge } from '../../src/backup/outcome.ts';
import type { BackupRecord, WritesSeen } from '../../src/backup/record.ts';
import type { SetGap } from '../../src/backup/whole-set/describe-gap.ts';
import { suite } from '../suite.ts';
import {
  failedAnswer,
  goodAnswer,
  goodRecord,
  heldTimes,
  targetRecord,
} from './fixtures/records.ts';

const test = suite('outcome');
const MS = 1_000_000n;

test('calls a run consistent in which every disk was held around its snapshot', () => {
  const outcome = judge(goodRecord(3));
  assert.is(outcome.consistency, 'fileSystemConsistent');
  assert.is(outcome.code, 1);
  assert.equal(outcome.problems, []);
});

const inconsistencies: readonly [string, Partial<BackupRecord>][] = [
  [
    'a request that left before its file system was frozen',
    { disks: [targetRecord(goodAnswer(0, { firedNs: 11n * MS }))] },
  ],
  [
    'an answer that came after the thaw began',
    { disks: [targetRecord(goodAnswer(0, { acknowledgedNs: 41n * MS }))] },
  ],
  ['a file system that another tool thawed', { fileSystems: [heldTimes({ wasFrozen: false })] }],
  ['a thaw that was never seen', { fileSystems: [heldTimes({ thawStartNs: undefined })] }],
  ['a thaw before the barrier', { barrier: { atNs: 50n * MS, wallClock: new Date(0) } }],
  ['a run without barrier', { barrier: undefined }],
  [
    'an answer that brought no snapshot, though everything was held until it came',
    { disks: [targetRecord({ ...failedAnswer(0), acknowledgedNs: 33n * MS })] },
  ],
];

for (const [name, changes] of inconsistencies) {
  test(`does not call consistent: ${name}`, () => {
    const outcome = judge(goodRecord(1, changes));
    assert.is(outcome.consistency, 'none');
    assert.is.not(outcome.code, 1);
    assert.equal(outcome.diskIsConsistent, [false]);
    assert.ok(outcome.problems.length > 0);
  });
}

const failures: readonly [string, Partial<BackupRecord>, number][] = [
  [
    'one disk of two failed',
    { disks: [targetRecord(goodAnswer(0)), targetRecord(failedAnswer(1, { httpStatus: 500 }))] },
    761,
  ],
  [
    'every disk failed',
    { disks: [targetRecord(failedAnswer(0)), targetRecord(failedAnswer(1))] },
    76,
  ],
  [
    'rate exceeded',
    {
      disks: [
        targetRecord(goodAnswer(0)),
        targetRecord(failedAnswer(1, { serviceCode: 'SnapshotOperationRateExceeded' })),
      ],
    },
    173,
  ],
  [
    'count exceeded',
    {
      disks: [
        targetRecord(goodAnswer(0)),
        targetRecord(failedAnswer(1, { serviceCode: 'SnapshotCountExceeded' })),
      ],
    },
    85,
  ],
  [
    'freeze refused',
    {
      end: { kind: 'freeze-failed', fileSystem: 0, errno: 'EIO' },
      barrier: undefined,
      fileSystems: [heldTimes({ frozenNs: undefined, freezeErrno: 'EIO' }), heldTimes()],
    },
    121,
  ],
  ['stuck freeze', { end: { kind: 'deadline', stuck: [1] }, barrier: undefined }, 122],
  ['guardian lost', { end: { kind: 'guardian-lost' }, barrier: undefined }, 121],
  [
    'guardian had to thaw',
    {
      end: { kind: 'guardian-thawed', fileSystems: [1] },
      fileSystems: [heldTimes(), heldTimes({ wasFrozen: false })],
    },
    122,
  ],
  [
    'ended by a signal, whatever the disks say',
    {
      end: { kind: 'signal', signal: 'SIGTERM' },
      disks: [targetRecord(failedAnswer(0)), targetRecord(failedAnswer(1))],
    },
    2,
  ],
  [
    'no answer until the deadline',
    {
      end: { kind: 'deadline', stuck: [] },
      disks: [
        targetRecord(goodAnswer(0)),
        targetRecord(failedAnswer(1, { kind: 'timeout', message: 'no answer' })),
      ],
    },
    761,
  ],
];

for (const [name, changes, code] of failures) {
  test(`gives ${name} the code ${code}`, () => {
    assert.is(judge(goodRecord(2, changes)).code, code);
  });
}

test('names the stuck file system, the disk that failed, and a foreign freeze', () => {
  const problems = [
    judge(goodRecord(2, { end: { kind: 'deadline', stuck: [1] }, barrier: undefined })),
    judge(goodRecord(1, { disks: [targetRecord(failedAnswer(0))] })),
    judge(
      goodRecord(1, {
        end: { kind: 'freeze-failed', fileSystem: 0, errno: 'EBUSY' },
        barrier: undefined,
      }),
    ),
  ].map((outcome) => outcome.problems.join(' '));
  assert.match(problems[0] ?? '', '/data/1');
  assert.match(problems[1] ?? '', '/dev/sda');
  assert.match(problems[2] ?? '', 'already frozen by another tool');
});

test('names the file systems that were not frozen if the time-out passed between two waves', () => {
  const late = goodRecord(2, {
    end: { kind: 'deadline', stuck: [] },
    barrier: undefined,
    fileSystems: [heldTimes(), heldTimes({ frozenNs: undefined })],
  });
  const { code, problems } = judge(late);
  assert.is(code, 122);
  assert.match(problems.join(' '), 'before /data/1 had frozen');
});

test('says of a file system that failed at its freeze what the next run does, and what to do', () => {
  for (const errno of ['EIO', 'EROFS']) {
    const { problems } = judge(
      goodRecord(1, { end: { kind: 'freeze-failed', fileSystem: 0, errno }, barrier: undefined }),
    );
    assert.match(
      problems[0] ?? '',
      /\/data\/0: E\w+\. The file system, or the disk below it, has just failed.*--skip \/data\/0/,
    );
  }
});

test('does not blame the kernel for a freeze that was cancelled', () => {
  const { problems } = judge(
    goodRecord(1, {
      end: { kind: 'freeze-failed', fileSystem: 0, errno: 'ECANCELED' },
      barrier: undefined,
    }),
  );
  assert.match(problems[0] ?? '', '/data/0 was cancelled before it began');
  assert.not.match(problems[0] ?? '', 'kernel refused');
});

test('does not repeat the name in a message that already begins with it', () => {
  const name = 'the host service at http://168.63.129.16';
  const answer = failedAnswer(0, { message: `${name}: no complete answer` });
  const disks = [{ ...targetRecord(answer), blob: name, device: undefined }];
  assert.equal(judge(goodRecord(1, { disks })).problems, [`${name}: no complete answer`]);
  const other = { ...targetRecord(failedAnswer(0)), device: undefined };
  assert.equal(judge(goodRecord(1, { disks: [other] })).problems, [
    `${other.blob}: the service said no`,
  ]);
});

test('reports a second snapshot that a lost answer may have left', () => {
  const record = goodRecord(1, {
    disks: [targetRecord(goodAnswer(0, { attempts: 2, mayHaveOrphan: true }))],
  });
  const outcome = judge(record);
  assert.is(outcome.code, 1);
  assert.match(outcome.problems.join(' '), 'second snapshot may exist');
});

test('a lost answer to the only request may have left a first one', () => {
  const lost = { ...failedAnswer(0), attempts: 1, mayHaveOrphan: true };
  const { problems } = judge(goodRecord(1, { disks: [targetRecord(lost)] }));
  assert.match(problems.join(' '), 'the answer to its request was lost; a snapshot may exist');
});

/** A disk of raw data beside one with a file system, asked for after the barrier and answered long after the thaw. */
function withRawDisk(writes: WritesSeen, firedNs = 13n * MS): BackupRecord {
  const answer = goodAnswer(1, { firedNs, acknowledgedNs: 90n * MS });
  return goodRecord(1, {
    disks: [targetRecord(goodAnswer(0)), targetRecord(answer, [], { writes })],
  });
}

const UNCHANGED = { kind: 'unchanged', fromNs: 12n * MS, toNs: 91n * MS } as const;

test('requires that nothing wrote to a disk of raw data from the barrier until its answer', () => {
  assert.is(judge(withRawDisk(UNCHANGED)).consistency, 'fileSystemConsistent');
  assert.is(judge(withRawDisk(UNCHANGED, 11n * MS)).consistency, 'none');
});

const unproven: readonly [string, WritesSeen][] = [
  ['something wrote to', { kind: 'changed', disks: ['sdb'] }],
  ['nothing is known of', { kind: 'unknown' }],
  ['was looked at only after its request had left', { ...UNCHANGED, fromNs: 14n * MS }],
  ['was looked at before its answer for the last time', { ...UNCHANGED, toNs: 89n * MS }],
  ['was looked at before the barrier for the last time', { ...UNCHANGED, toNs: 11n * MS }],
];

for (const [name, writes] of unproven) {
  test(`does not call consistent a raw disk that ${name}`, () => {
    const { consistency, code, isRestorable, diskIsConsistent } = judge(withRawDisk(writes));
    assert.equal([consistency, code, isRestorable], ['crashConsistent', 1, false]);
    assert.equal(diskIsConsistent, [true, false]);
  });
}

test('the disk of a write below a frozen file system does not show the instant', () => {
  const writes = { kind: 'changed', disks: ['sda'] } as const;
  const outcome = judge(
    goodRecord(2, {
      disks: [targetRecord(goodAnswer(0), [0], { writes }), targetRecord(goodAnswer(1))],
    }),
  );
  assert.equal(outcome.diskIsConsistent, [false, true]);
  assert.is(outcome.isRestorable, false);
  assert.match(outcome.problems.join(' '), 'something that was not frozen wrote to /dev/sda');
});

test('without write counters a disk is judged by the freeze of its file systems', () => {
  const writes = { kind: 'unknown' } as const;
  const outcome = judge(goodRecord(1, { disks: [targetRecord(goodAnswer(0), [0], { writes })] }));
  assert.is(outcome.consistency, 'fileSystemConsistent');
});

test('a disk whose counters were not read when its answer came does not show the instant', () => {
  const writes = { kind: 'unread' } as const;
  const outcome = judge(goodRecord(1, { disks: [targetRecord(goodAnswer(0), [0], { writes })] }));
  assert.is(outcome.isRestorable, false);
});

test('without write counters a disk with something that cannot be frozen does not show the instant', () => {
  const record = goodRecord(1, {
    disks: [targetRecord(goodAnswer(0), [0], { writes: { kind: 'unknown' } })],
  });
  const vfat = {
    device: '8:1',
    type: 'vfat',
    mountPoint: '/boot/efi',
    reason: 'not-freezable',
    disks: ['sda'],
  } as const;
  const judged = (isWritable: boolean) =>
    judge({ ...record, plan: { ...record.plan, excluded: [{ ...vfat, isWritable }] } });
  assert.is(judged(true).isRestorable, false);
  assert.is(judged(false).isRestorable, true);
});

test('without write counters an unknown disk does not show the instant if it may be one of raw data', () => {
  const judged = (...disks: string[]) =>
    judge(
      goodRecord(1, {
        disks: [
          targetRecord(goodAnswer(0), [0], {
            device: undefined,
            writes: { kind: 'unknown' },
            behind: { kind: 'one-of', disks },
          }),
        ],
      }),
    );
  assert.is(judged('sda').isRestorable, true);
  assert.is(judged('sda', 'sdb').isRestorable, false);
});

test('without write counters a disk of which nothing is known does not show the instant', () => {
  const unknown = targetRecord(goodAnswer(1), [0], {
    device: undefined,
    writes: { kind: 'unknown' },
    behind: { kind: 'one-of', disks: [] },
  });
  const outcome = judge(goodRecord(1, { disks: [targetRecord(goodAnswer(0)), unknown] }));
  assert.equal(outcome.diskIsConsistent, [true, false]);
  assert.is(outcome.isRestorable, false);
});

test('of more blobs than disks that they can be, none shows the instant, unless the caller accepts it', () => {
  const judged = (isTolerated: boolean) => {
    const disks = [0, 1, 2].map((target) =>
      targetRecord(goodAnswer(target), [0], { device: undefined }),
    );
    const blobs = disks.slice(1).map(({ blob }) => blob);
    const gap: SetGap = { kind: 'surplus', blobs, disks: ['/dev/sda'], isTolerated };
    return judge(goodRecord(1, { disks, gaps: [gap] }));
  };
  const refused = judged(false);
  assert.equal(refused.diskIsConsistent, [true, false, false]);
  assert.equal([refused.consistency, refused.isRestorable], ['crashConsistent', false]);
  assert.match(refused.problems.join(' '), /disk1\.vhd, .*disk2\.vhd are 2 blobs, but/);
  assert.is(judged(true).isRestorable, true);
});

const LEFT_OUT: SetGap = {
  kind: 'left-out',
  mountPoint: '/left',
  type: 'ext4',
  reason: 'skipped',
  disk: '/dev/sda',
};
const HALF: SetGap = {
  kind: 'half',
  mountPoint: '/half',
  disks: ['/dev/sda', '/dev/sdx'],
  without: ['/dev/sdx'],
};
const missing = (isTolerated: boolean): SetGap => ({
  kind: 'missing-disks',
  missing: [{ path: '/dev/sdx', mountPoints: ['/x'] }],
  coveredAtMost: 0,
  frozen: 3,
  isTolerated,
});

test('only the disk of a file system that was left out does not show the instant', () => {
  const outcome = judge(goodRecord(2, { gaps: [LEFT_OUT] }));
  assert.equal(outcome.diskIsConsistent, [false, true]);
  assert.equal(
    [outcome.consistency, outcome.code, outcome.isRestorable],
    ['crashConsistent', 1, false],
  );
  assert.match(outcome.problems.join(' '), '/dev/sda carries /left');
});

for (const gap of [{ kind: 'unseen' }, { kind: 'not-read', error: 'EMFILE' }] as const) {
  test(`no disk shows the instant if something may have been left out anywhere: ${gap.kind}`, () => {
    const outcome = judge(goodRecord(2, { gaps: [gap] }));
    assert.equal(outcome.diskIsConsistent, [false, false]);
    assert.equal(
      [outcome.consistency, outcome.code, outcome.isRestorable],
      ['crashConsistent', 1, false],
    );
  });
}

for (const gap of [HALF, missing(false)]) {
  test(`a set with a gap of the kind ${gap.kind} is worthless as a set`, () => {
    const outcome = judge(goodRecord(2, { gaps: [gap] }));
    assert.equal([outcome.consistency, outcome.code, outcome.isRestorable], ['none', 2, false]);
    assert.ok(outcome.problems.length > 0);
  });
}

test('a tolerated gap is not a problem', () => {
  const outcome = judge(goodRecord(2, { gaps: [missing(true)] }));
  assert.equal([outcome.consistency, outcome.isRestorable], ['fileSystemConsistent', true]);
  assert.equal(outcome.problems, []);
});

test('an application is not called consistent if its data may lie on a disk without the instant', () => {
  const application = { name: 'scripts', findings: [], held: undefined };
  assert.is(judge(goodRecord(1, { application })).consistency, 'applicationConsistent');
  const outcome = judge(goodRecord(1, { application, gaps: [LEFT_OUT] }));
  assert.equal([outcome.consistency, outcome.code], ['crashConsistent', 1]);
});

test('calls a run without any file system crash consistent', () => {
  const none = goodRecord(1);
  const record = goodRecord(1, {
    plan: { ...none.plan, fileSystems: [], waves: [] },
    fileSystems: [],
    disks: [targetRecord(goodAnswer(0), [])],
  });
  assert.is(judge(record).consistency, 'crashConsistent');
});

test('calls a run without a freeze crash-consistent, whenever its requests left', () => {
  const record = goodRecord(2);
  const outcome = judge({
    ...record,
    plan: { ...record.plan, fileSystems: [], waves: [] },
    fileSystems: [],
    barrier: { atNs: 20_000_000n, wallClock: new Date() },
  });
  assert.is(outcome.consistency, 'crashConsistent');
  assert.equal(outcome.diskIsConsistent, [true, true]);
  assert.equal(outcome.problems, []);
});

test('fewer answers of the host than disks make a set worthless, without a freeze, too', () => {
  const record = goodRecord(2, {
    fileSystems: [],
    gaps: [{ kind: 'host-answers', answers: 2, disks: 3 }],
  });
  const unfrozen = { ...record, plan: { ...record.plan, fileSystems: [], waves: [] } };
  const { consistency, code, isRestorable } = judge(unfrozen);
  assert.equal([consistency, code, isRestorable], ['none', 2, false]);
});

for (const end of [
  { kind: 'deadline', stuck: [1] },
  { kind: 'guardian-lost' },
  { kind: 'signal', signal: 'SIGTERM' },
] as const) {
  test(`does not say that everything was thawed while a freeze is under way: ${end.kind}`, () => {
    const all = goodRecord(2, { end, barrier: undefined });
    const [said = ''] = judge({ ...all, stillFrozen: [1] }).problems;
    assert.not.match(said, 'everything was thawed');
    assert.match(said, `${all.plan.fileSystems[1]?.mountPoint} could not be thawed yet`);
    assert.match(judge({ ...all, stillFrozen: [] }).problems[0] ?? '', 'everything was thawed');
  });
}

test.run();
