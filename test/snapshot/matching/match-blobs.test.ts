import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Target } from '../../../src/backup/whole-set/behind.ts';
import { gapsOf } from '../../../src/backup/whole-set/find-gaps.ts';
import { FlashfreezeError } from '../../../src/errors.ts';
import type { Plan } from '../../../src/filesystems/plan-types.ts';
import { describeUnmatched } from '../../../src/snapshot/matching/describe.ts';
import type { Evidence, EvidenceKind, Identity } from '../../../src/snapshot/matching/evidence.ts';
import { identify } from '../../../src/snapshot/matching/identify.ts';
import { matchBlobs } from '../../../src/snapshot/matching/match-blobs.ts';
import type {
  BlobContent,
  DiskContent,
  Matching,
} from '../../../src/snapshot/matching/matching-types.ts';
import { suite } from '../../suite.ts';
import { recordedHead } from './fixtures/heads.ts';

const test = suite('matching blobs to disks');

const GIB = 2 ** 30;
const BLANK: Identity = { state: 'blank' };
const UNREADABLE: Identity = { state: 'unreadable', reason: 'EIO' };

function identified(...evidence: readonly (readonly [EvidenceKind, string])[]): Identity {
  return {
    state: 'identified',
    evidence: evidence.map(([kind, value]): Evidence => ({ kind, value })),
  };
}

const ext = (value: string): Identity => identified(['ext-uuid', value]);
const gpt = (value: string): Identity => identified(['gpt-disk-guid', value]);
const btrfs = (fsid: string, device: string): Identity =>
  identified(['btrfs-fsid', fsid], ['btrfs-device-uuid', device]);

function disksOf(disks: Readonly<Record<string, Identity>>, sizeBytes = GIB): DiskContent[] {
  return Object.entries(disks).map(([name, identity]) => ({ name, identity, sizeBytes }));
}

function blobsOf(...identities: readonly Identity[]): BlobContent[] {
  return identities.map((identity, index) => ({ index, identity, sizeBytes: GIB + 512 }));
}

/** A machine with one file system, on an array of these disks. */
function planOfArray(disks: readonly string[]): Plan {
  return {
    fileSystems: [
      {
        ...{ device: '9:0', type: 'ext4', source: '/dev/md0', disks, imageOn: undefined },
        ...{ mountPoint: '/data', mountPoints: ['/data'] },
      },
    ],
    waves: [[0]],
    thawsAfter: [[]],
    disks: disks.map((name) => ({ name, path: `/dev/${name}`, lun: undefined, sizeBytes: GIB })),
    excluded: [],
  };
}

/** The disk of each blob, or the reason why there is none. */
function verdicts(matching: Matching, count: number): string[] {
  return Array.from({ length: count }, (_, blob) => {
    const match = matching.matches.find((it) => it.blob === blob);
    const unmatched = matching.unmatched.find((it) => it.blob === blob);
    const foreign = matching.foreign.includes(blob) ? 'foreign' : undefined;
    const found = [match?.disk, unmatched?.reason.kind, foreign].filter((it) => it !== undefined);
    assert.equal(found.length, 1, `blob ${blob} is in exactly one list`);
    return found[0] ?? '';
  });
}

test('a clone that cannot be read is a rival, unless its size differs or another blob was named for it', () => {
  const disks = disksOf({ sda: gpt('A'), sdc: UNREADABLE, sdd: ext('X') });
  const blobs = blobsOf(gpt('A'), ext('X'));
  const matching = matchBlobs(blobs, disks, []);
  assert.deepEqual(verdicts(matching, 2), ['unread-rivals', 'unread-rivals']);
  assert.deepEqual(
    matching.unmatched.map(({ mayBe }) => mayBe),
    [
      ['sda', 'sdc'],
      ['sdc', 'sdd'],
    ],
  );
  const smaller = disks.map((disk) =>
    disk.name === 'sdc' ? { ...disk, sizeBytes: GIB / 2 } : disk,
  );
  assert.deepEqual(verdicts(matchBlobs(blobs, smaller, []), 2), ['sda', 'sdd']);
  const three = [...blobs, { index: 2, identity: UNREADABLE, sizeBytes: GIB }];
  const named = matchBlobs(three, disks, [{ blob: 2, disk: 'sdc' }]);
  assert.deepEqual(verdicts(named, 3), ['sda', 'sdd', 'sdc']);
});

test('an unmatched blob may store every free disk that nothing contradicts', () => {
  const disks = disksOf({ sda: gpt('A'), sdc: BLANK, sdd: ext('D'), sde: BLANK });
  const { unmatched } = matchBlobs(blobsOf(gpt('A'), BLANK, UNREADABLE), disks, []);
  assert.deepEqual(
    unmatched.map(({ blob, mayBe }) => [blob, mayBe]),
    [
      [1, ['sdc', 'sde']],
      [2, ['sdc', 'sdd', 'sde']],
    ],
  );
});

test('every blob finds its disk, in any order', () => {
  const disks = disksOf({
    sda: gpt('A'),
    sdc: ext('C'),
    sdd: btrfs('F', '1'),
    sde: btrfs('F', '2'),
  });
  const blobs = blobsOf(btrfs('F', '2'), ext('C'), gpt('A'), btrfs('F', '1'));
  assert.deepEqual(verdicts(matchBlobs(blobs, disks, []), 4), ['sde', 'sdc', 'sda', 'sdd']);
});

test('disks made by the real tools are matched through their bytes', () => {
  const names = [
    'gpt',
    'gpt-4k',
    'mbr',
    'ext4',
    'xfs',
    'btrfs-1',
    'btrfs-2',
    'lvm',
    'luks2',
    'swap',
  ];
  const identities = names.map((name) => identify(recordedHead(name)));
  const disks = identities.map((identity, at) => ({ name: `sd${at}`, identity, sizeBytes: GIB }));
  const matching = matchBlobs(blobsOf(...identities.toReversed()), disks, []);
  assert.deepEqual(verdicts(matching, 10), disks.map(({ name }) => name).reverse());
});

test('a blob that cannot be matched has a reason', () => {
  const disks = disksOf({ sda: gpt('A'), sdb: ext('clone'), sdc: ext('clone'), sdd: BLANK });
  const blobs = blobsOf(
    gpt('A'),
    gpt('A'),
    ext('clone'),
    BLANK,
    { state: 'unrecognized' },
    { state: 'dynamic-vhd' },
    UNREADABLE,
    ext('elsewhere'),
  );
  const matching = matchBlobs(blobs, disks, []);
  assert.deepEqual(verdicts(matching, 8), [
    'ambiguous',
    'ambiguous',
    'ambiguous',
    'blank',
    'unrecognized',
    'dynamic-vhd',
    'unreadable',
    'foreign',
  ]);
  const texts = matching.unmatched.map(({ reason }) => describeUnmatched(reason));
  assert.match(texts[0] ?? '', /sda is also that of other blobs \(2 in all\)/);
  assert.match(texts[2] ?? '', /several disks \(sdb, sdc\)/);
});

test('evidence that differs excludes a pair, even if all other evidence is equal', () => {
  const disk = identified(['gpt-disk-guid', 'G'], ['ext-uuid', 'E']);
  const matching = matchBlobs(
    blobsOf(identified(['gpt-disk-guid', 'G'], ['ext-uuid', 'other'])),
    disksOf({ sda: disk }),
    [],
  );
  assert.deepEqual(matching.unmatched, [
    { blob: 0, reason: { kind: 'contradicted', disk: 'sda', by: 'ext-uuid' }, mayBe: [] },
  ]);
});

test('an equal partition table neither makes a match nor shows that the blob belongs to this machine', () => {
  const layout = ['mbr-partitions', 'same'] as const;
  const matching = matchBlobs(
    blobsOf(identified(['ext-uuid', 'X'], layout)),
    disksOf({ sda: identified(['mbr-signature', 'M'], layout) }),
    [],
  );
  assert.deepEqual(matching.foreign, [0]);
  const cloudImage = matchBlobs(
    blobsOf(identified(['mbr-signature', 'N'], layout)),
    disksOf({ sda: identified(['mbr-signature', 'M'], layout) }),
    [],
  );
  assert.deepEqual(cloudImage.foreign, [0]);
});

test('evidence of a set of disks does not make a match', () => {
  const matching = matchBlobs(
    blobsOf(identified(['btrfs-fsid', 'F'], ['ext-uuid', 'leftover'])),
    disksOf({ sda: btrfs('F', '1') }),
    [],
  );
  assert.deepEqual(verdicts(matching, 1), ['contradicted']);
});

test('a device of a local btrfs file system that is not here is unmatched, not foreign', () => {
  const matching = matchBlobs(blobsOf(btrfs('F', '3')), disksOf({ sdd: btrfs('F', '1') }), []);
  assert.deepEqual(verdicts(matching, 1), ['contradicted']);
});

test('sizes: equal, or a VHD footer more; any other size excludes; an unknown size does not', () => {
  const disks = disksOf({ sda: ext('A') });
  const verdict = (sizeBytes: number | undefined): string | undefined =>
    verdicts(matchBlobs([{ index: 0, identity: ext('A'), sizeBytes }], disks, []), 1)[0];
  assert.equal(verdict(GIB), 'sda');
  assert.equal(verdict(GIB + 512), 'sda');
  assert.equal(verdict(undefined), 'sda');
  assert.equal(verdict(2 * GIB), 'contradicted');
  assert.equal(verdict(GIB - 512), 'contradicted');
});

test('what something contradicts is no disk that the blob may store, nor the disk it was named for', () => {
  const md = (device: string): Identity =>
    identified(['md-array-uuid', 'array'], ['md-device-uuid', device]);
  const cases: readonly (readonly [Identity, Identity])[] = [
    [md('former'), md('sda')],
    [btrfs('F', '3'), btrfs('F', '1')],
    [
      identified(['gpt-disk-guid', 'G'], ['ext-uuid', 'other']),
      identified(['gpt-disk-guid', 'G'], ['ext-uuid', 'E']),
    ],
  ];
  for (const [blob, disk] of cases) {
    for (const named of [[], [{ blob: 0, disk: 'sda' }]]) {
      const { unmatched } = matchBlobs(blobsOf(blob), disksOf({ sda: disk, sdb: BLANK }), named);
      assert.deepEqual(
        unmatched.map(({ mayBe }) => mayBe),
        [[]],
      );
    }
  }
  const other = [{ index: 0, identity: ext('A'), sizeBytes: GIB / 2 }];
  const { unmatched } = matchBlobs(other, disksOf({ sda: ext('A'), sdb: UNREADABLE }), []);
  assert.deepEqual(unmatched[0]?.mayBe, []);
});

test('a blob that is larger than its disk is told with what to do if the disk was made larger', () => {
  const told = (sizeBytes: number, disk: string, named = false): string => {
    const blobs = [{ index: 0, identity: ext('A'), sizeBytes }];
    const overrides = named ? [{ blob: 0, disk }] : [];
    const { unmatched } = matchBlobs(blobs, disksOf({ [disk]: ext('A') }), overrides);
    assert.deepEqual(unmatched[0]?.mayBe, []);
    return unmatched.map(({ reason }) => describeUnmatched(reason)).join();
  };
  assert.match(
    told(2 * GIB, 'sda'),
    /^it looks like sda, but the sizes differ, .* echo 1 > \/sys\/class\/block\/sda\/device\/rescan$/,
  );
  assert.match(told(2 * GIB, 'nvme0n1'), /made larger, let the kernel read its size again$/);
  assert.match(told(2 * GIB, 'sda', true), /^it was named for sda, .*\/sda\/device\/rescan$/);
  assert.equal(told(GIB / 2, 'sda'), 'it looks like sda, but the sizes differ');
});

test('a former member of an array covers no disk of it', () => {
  const md = (device: string): Identity =>
    identified(['md-array-uuid', 'array'], ['md-device-uuid', device]);
  const both = ['sdb', 'sdc'] as const;
  for (const gone of both) {
    const blobs = blobsOf(...both.map((disk) => md(disk === gone ? 'former' : disk)));
    const matching = matchBlobs(blobs, disksOf({ sdb: md('sdb'), sdc: md('sdc') }), []);
    const targets = blobs.map(({ index }): Target => {
      const disk = matching.matches.find(({ blob }) => blob === index)?.disk;
      const disks = matching.unmatched.find(({ blob }) => blob === index)?.mayBe ?? [];
      const behind = disk === undefined ? ({ kind: 'one-of', disks } as const) : undefined;
      return { name: `blob${index}`, behind: behind ?? { kind: 'disk', disk: disk ?? '' } };
    });
    const gaps = gapsOf(planOfArray(both), targets, {
      ...{ isPartial: false, includedLuns: undefined, toleratesForeign: false },
    });
    assert.deepEqual(
      gaps.map((gap) =>
        gap.kind === 'missing-disks' ? gap.missing.map((it) => it.path) : gap.kind,
      ),
      [[`/dev/${gone}`], 'half', 'surplus'],
    );
  }
});

test('clones of different size are distinguished', () => {
  const disks = [
    { name: 'sda', identity: gpt('A'), sizeBytes: GIB },
    { name: 'sdb', identity: gpt('A'), sizeBytes: 2 * GIB },
  ];
  const blobs = [2 * GIB, GIB].map((sizeBytes, index) => ({
    index,
    identity: gpt('A'),
    sizeBytes,
  }));
  assert.deepEqual(verdicts(matchBlobs(blobs, disks, []), 2), ['sdb', 'sda']);
});

test('sizes alone do not make a match', () => {
  const disks = disksOf({ sda: BLANK, sdb: { state: 'unrecognized' } });
  const matching = matchBlobs(blobsOf(BLANK, { state: 'unrecognized' }), disks, []);
  assert.deepEqual(verdicts(matching, 2), ['blank', 'unrecognized']);
});

test('no blob is foreign if a disk that it may store could not be read', () => {
  const disks = disksOf({ sda: ext('A'), sdb: UNREADABLE });
  const blobs = blobsOf(ext('X'), ext('A'));
  assert.deepEqual(matchBlobs(blobs, disks, []).unmatched, [
    {
      blob: 0,
      reason: { kind: 'disk-unreadable', disks: ['sdb'], because: 'EIO' },
      mayBe: ['sdb'],
    },
    {
      blob: 1,
      reason: { kind: 'unread-rivals', disk: 'sda', rivals: ['sdb'] },
      mayBe: ['sda', 'sdb'],
    },
  ]);
  const otherSize = [...disksOf({ sda: ext('A') }), ...disksOf({ sdb: UNREADABLE }, 5 * GIB)];
  assert.deepEqual(verdicts(matchBlobs(blobs, otherSize, []), 2), ['foreign', 'sda']);
});

const reasonFor = (matching: Matching, blob: number) =>
  matching.unmatched.find((it) => it.blob === blob)?.reason;

test("the caller's statement wins if content proves nothing", () => {
  const disks = disksOf({
    sda: ext('A'),
    sdb: BLANK,
    sdc: UNREADABLE,
    sdd: { state: 'unrecognized' },
  });
  const blobs = blobsOf(UNREADABLE, BLANK, ext('X'), { state: 'unrecognized' });
  const matching = matchBlobs(blobs, disks, [
    { blob: 0, disk: 'sda' },
    { blob: 1, disk: 'sdb' },
    { blob: 2, disk: 'sdc' },
    { blob: 3, disk: 'sdd' },
  ]);
  assert.deepEqual(verdicts(matching, 4), ['sda', 'sdb', 'sdc', 'sdd']);
});

test('two blobs named the wrong way round are matched to neither disk', () => {
  const disks = disksOf({ sda: ext('A'), sdb: ext('B'), sdc: ext('C') });
  const matching = matchBlobs(blobsOf(ext('A'), ext('B'), ext('C')), disks, [
    { blob: 0, disk: 'sdb' },
    { blob: 1, disk: 'sda' },
  ]);
  assert.deepEqual(verdicts(matching, 3), ['misnamed', 'misnamed', 'sdc']);
  assert.deepEqual(reasonFor(matching, 0), {
    kind: 'misnamed',
    disk: 'sdb',
    by: 'ext-uuid',
    contentOf: ['sda'],
  });
  assert.deepEqual(
    matching.unmatched.map(({ reason }) => describeUnmatched(reason)),
    [
      'it was named for sdb, but the ext uuid differs: its content is that of sda',
      'it was named for sda, but the ext uuid differs: its content is that of sdb',
    ],
  );
});

test('a blob with the content of a disk makes another blob that was named for that disk doubtful', () => {
  const disks = disksOf({ sda: ext('A'), sdb: ext('B'), sdc: UNREADABLE });
  const named = [{ blob: 0, disk: 'sda' }];
  const byContent = matchBlobs(blobsOf(UNREADABLE, ext('A')), disks, named);
  assert.deepEqual(verdicts(byContent, 2), ['doubted', 'taken']);
  const both = [...named, { blob: 1, disk: 'sdb' }];
  const misnamed = matchBlobs(blobsOf(UNREADABLE, ext('A')), disks, both);
  assert.deepEqual(verdicts(misnamed, 2), ['doubted', 'misnamed']);
  const forUnread = [...named, { blob: 1, disk: 'sdc' }];
  assert.deepEqual(
    verdicts(matchBlobs(blobsOf(UNREADABLE, ext('A')), disks, forUnread), 2),
    ['doubted', 'misnamed'],
    'also if the disk that it was named for could not be read',
  );
  assert.match(
    describeUnmatched({ kind: 'doubted', disk: 'sda' }),
    /named for sda, but another blob has the content of that disk/,
  );
});

test('a copy that was named for another disk makes its original disk doubtful', () => {
  const disks = disksOf({ sda: ext('A'), sdb: ext('B') });
  const matching = matchBlobs(blobsOf(ext('A'), ext('A')), disks, [{ blob: 0, disk: 'sdb' }]);
  assert.deepEqual(verdicts(matching, 2), ['misnamed', 'ambiguous']);
  const bothNamed = matchBlobs(blobsOf(ext('A'), ext('A')), disks, [
    { blob: 0, disk: 'sdb' },
    { blob: 1, disk: 'sda' },
  ]);
  assert.deepEqual(verdicts(bothNamed, 2), ['misnamed', 'doubted']);
});

test('content of another kind, or of another size, contradicts the caller too', () => {
  const by = (blob: Identity, disk: Identity, sizeBytes = GIB): unknown => {
    const named = [{ blob: 0, disk: 'sda' }];
    const reason = reasonFor(
      matchBlobs(blobsOf(blob), disksOf({ sda: disk }, sizeBytes), named),
      0,
    );
    return reason?.kind === 'misnamed' ? reason.by : reason;
  };
  assert.equal(by(ext('A'), gpt('G')), 'content');
  assert.equal(by(BLANK, ext('A')), 'content');
  assert.equal(by(ext('A'), ext('A'), 2 * GIB), 'size');
  assert.equal(by(UNREADABLE, ext('A'), 2 * GIB), 'size');
  assert.equal(by(UNREADABLE, ext('A')), undefined);
  assert.equal(by(ext('A'), ext('A')), undefined);
});

test('the caller can distinguish clones, and the rest is no longer ambiguous', () => {
  const disks = disksOf({ sda: gpt('A'), sdb: gpt('A') });
  const matching = matchBlobs(blobsOf(gpt('A'), gpt('A')), disks, [{ blob: 1, disk: 'sda' }]);
  assert.deepEqual(verdicts(matching, 2), ['sdb', 'sda']);
});

test('overrides that name a disk or blob twice, or no disk, are refused', () => {
  const disks = disksOf({ sda: ext('A'), sdb: ext('B') });
  const blobs = blobsOf(ext('A'), ext('B'));
  const cases = [
    ['FF_USAGE', /\/dev\/sda was named twice/, ['sda', 0], ['sda', 1]],
    ['FF_USAGE', /blob 1 was named twice/, ['sda', 0], ['sdb', 0]],
    [
      'FF_DEVICE_NOT_FOUND',
      /--disk for blob 2: \/dev\/sdz is not a whole disk.*sda, sdb/,
      ['sdz', 1],
    ],
  ] as const;
  for (const [code, message, ...named] of cases) {
    assert.throws(
      () =>
        matchBlobs(
          blobs,
          disks,
          named.map(([disk, blob]) => ({ disk, blob })),
        ),
      (error) =>
        error instanceof FlashfreezeError && error.code === code && message.test(error.message),
    );
  }
});

/** What a disk really is: disks and blobs of one `content` and size cannot be distinguished. */
interface Truth {
  readonly content: number;
  readonly sizeBytes: number;
  readonly readable: boolean;
}

const truths = fc.uniqueArray(
  fc.record({
    id: fc.nat(),
    content: fc.nat({ max: 12 }),
    sizeBytes: fc.constantFrom(GIB, GIB, GIB, 2 * GIB),
    readable: fc.constantFrom(true, true, true, true, false),
  }),
  { selector: ({ id }) => id, maxLength: 16 },
);

/** Contents 0 to 3 are the devices of one btrfs file system, 4 is blank, the others have a GPT. */
function identityOf({ content, readable }: Truth): Identity {
  if (!readable) return UNREADABLE;
  if (content === 4) return BLANK;
  return content < 4 ? btrfs('F', `${content}`) : gpt(`${content}`);
}

const sameContent = (first: Truth, second: Truth): boolean =>
  first.content === second.content && first.sizeBytes === second.sizeBytes;

const scenes = fc
  .record({ disks: truths, strangers: truths, hidden: fc.array(fc.boolean(), { maxLength: 16 }) })
  .chain(({ disks, strangers, hidden }) => {
    const attached = disks.filter((_, at) => !(hidden[at] ?? false));
    const blobTruths = [...attached, ...strangers];
    const blobs = blobTruths.map((truth, index) => ({
      index,
      identity: identityOf({ ...truth, readable: true }),
      sizeBytes: truth.sizeBytes,
    }));
    const locals = disks.map((truth, at) => ({
      name: `sd${at}`,
      identity: identityOf(truth),
      sizeBytes: truth.sizeBytes,
    }));
    return fc.record({
      disks: fc.constant(disks),
      blobTruths: fc.constant(blobTruths),
      blobs: fc.constant(blobs),
      locals: fc.constant(locals),
      shuffledBlobs: fc.shuffledSubarray(blobs, { minLength: blobs.length }),
      shuffledLocals: fc.shuffledSubarray(locals, { minLength: locals.length }),
    });
  });

test('random machines: order does not matter, nothing is used twice, clones are never matched', () => {
  fc.assert(
    fc.property(scenes, ({ disks, blobTruths, blobs, locals, shuffledBlobs, shuffledLocals }) => {
      const matching = matchBlobs(blobs, locals, []);
      assert.deepEqual(matchBlobs(shuffledBlobs, shuffledLocals, []), matching);
      verdicts(matching, blobs.length);
      assert.equal(new Set(matching.matches.map(({ disk }) => disk)).size, matching.matches.length);
      const matched = new Map(matching.matches.map(({ blob, disk }) => [blob, disk]));
      for (const [blob, truth] of blobTruths.entries()) {
        const alikeDisks = [...disks.entries()].filter(
          ([, disk]) => disk.readable && sameContent(disk, truth),
        );
        const alikeBlobs = blobTruths.filter((it) => sameContent(it, truth));
        const hasUnreadRival = disks.some(
          (disk) => !disk.readable && disk.sizeBytes === truth.sizeBytes,
        );
        const isUnique = alikeDisks.length === 1 && alikeBlobs.length === 1;
        const unique = isUnique && !hasUnreadRival && truth.content !== 4;
        const expected = unique ? `sd${alikeDisks[0]?.[0]}` : undefined;
        assert.equal(matched.get(blob), expected);
        const known = disks.some((it) => it.content === truth.content && it.readable);
        assert.ok(!(matching.foreign.includes(blob) && known));
      }
    }),
    { numRuns: 1000 },
  );
});

test('random machines: overrides win if content does not contradict them, and nothing is used twice', () => {
  fc.assert(
    fc.property(scenes, fc.nat(), fc.nat(), ({ blobs, locals }, someBlob, someDisk) => {
      fc.pre(blobs.length > 0 && locals.length > 0);
      const override = {
        blob: someBlob % blobs.length,
        disk: `sd${someDisk % locals.length}`,
      };
      const matching = matchBlobs(blobs, locals, [override]);
      verdicts(matching, blobs.length);
      assert.equal(new Set(matching.matches.map(({ disk }) => disk)).size, matching.matches.length);
      const won = matching.matches.some(
        ({ blob, disk }) => blob === override.blob && disk === override.disk,
      );
      const reason = reasonFor(matching, override.blob)?.kind;
      assert.ok(won || reason === 'misnamed' || reason === 'doubted');
    }),
    { numRuns: 1000 },
  );
});

/** Random overrides, most of them wrong: each disk and each blob is named at most once. */
const misled = scenes.chain((scene) => {
  const pairs = Math.min(scene.blobs.length, scene.locals.length);
  return fc.record({
    scene: fc.constant(scene),
    named: fc.shuffledSubarray(scene.blobs, { maxLength: pairs }),
    for: fc.shuffledSubarray(scene.locals, { minLength: pairs, maxLength: pairs }),
    unreadable: fc.uniqueArray(fc.nat(31)),
  });
});

test('random machines: for any overrides, a disk that content identifies is never taken for another', () => {
  fc.assert(
    fc.property(misled, ({ scene, named, for: locals, unreadable }) => {
      const { disks, blobTruths } = scene;
      const blobs = scene.blobs.map((blob) =>
        unreadable.includes(blob.index) ? { ...blob, identity: UNREADABLE } : blob,
      );
      const overrides = named.map(({ index }, at) => ({
        blob: index,
        disk: locals[at]?.name ?? '',
      }));
      const matching = matchBlobs(blobs, scene.locals, overrides);
      verdicts(matching, blobs.length);
      const diskOf = new Map(matching.matches.map(({ blob, disk }) => [blob, disk]));
      for (const [blob, truth] of blobTruths.entries()) {
        const own = disks.findIndex((disk) => disk.readable && sameContent(disk, truth));
        const alike = [...disks, ...blobTruths].filter((it) => sameContent(it, truth));
        if (own < 0 || alike.length > 2 || truth.content === 4 || unreadable.includes(blob)) {
          continue;
        }
        const believed = matching.matches.find(({ disk }) => disk === `sd${own}`)?.blob ?? blob;
        assert.equal(believed, blob, 'another blob is taken for its disk');
        assert.ok([undefined, `sd${own}`].includes(diskOf.get(blob)));
      }
    }),
    { numRuns: 2000 },
  );
});

test.run();
