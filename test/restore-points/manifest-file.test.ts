import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { manifestSchema } from '../../src/report/schemas/manifest.ts';
import {
  isManifestOf,
  leavesOutFileSystems,
  MOST_MANIFEST_BYTES,
  manifestName,
  manifestText,
} from '../../src/restore-points/manifest-file.ts';
import type { Manifest } from '../../src/restore-points/restore-point.ts';
import { suite } from '../suite.ts';

const test = suite('file of a manifest');

type FileSystem = Manifest['fileSystems'][number];

const FILE_SYSTEM: FileSystem = {
  ...{ mountPoints: ['/data'], type: 'ext4', uuid: null, label: null },
  ...{ source: '/dev/sdc', disks: [1], wasFrozen: true },
};
const MANIFEST: Manifest = {
  format: 'flashfreeze restore point',
  formatVersion: 1,
  ...{ id: '6f0e3a52-1', origin: 'snapshot', host: 'db1', vm: null, version: '0.1.0' },
  startedAt: '2026-11-29T06:52:27.900Z',
  barrier: '2026-11-29T06:52:28.123Z',
  consistency: 'fileSystemConsistent',
  ...{ restorable: true, problems: [] },
  disks: [
    {
      ...{ position: 1, device: '/dev/sdc', lun: 0, sizeBytes: 1 },
      ...{ source: 'https://a/b', snapshot: 's', showsInstant: true, volumes: [] },
    },
  ],
  fileSystems: [FILE_SYSTEM],
};

test('is named by host, instant and run; without an instant, by the start', () => {
  assert.is(manifestName(MANIFEST), 'flashfreeze/db1/20261129T065228Z-6f0e3a52-1.json');
  assert.is(
    manifestName({ ...MANIFEST, barrier: null, host: 'd/../b ä', id: 'x?y' }),
    'flashfreeze/d-..-b--/20261129T065227Z-x-y.json',
  );
});

test('is recognised by its run, also if that cannot stand in a name', () => {
  for (const id of [MANIFEST.id, 'x?y', 'x'.repeat(300)]) {
    const name = manifestName({ ...MANIFEST, id });
    assert.ok(isManifestOf(id)(name), name);
    assert.not.ok(isManifestOf('another')(name), name);
    assert.not.ok(isManifestOf(id)(`elsewhere/${name}`), name);
  }
});

test('holds everything if it is small', () => {
  assert.equal(v.parse(manifestSchema, JSON.parse(manifestText(MANIFEST))), MANIFEST);
});

test('cuts many file systems, and says how many are missing', () => {
  const long = { ...FILE_SYSTEM, mountPoints: [`/${'x'.repeat(4_000)}`] };
  const text = manifestText({
    ...MANIFEST,
    fileSystems: Array.from({ length: 1_000 }, () => long),
  });
  const read = v.parse(manifestSchema, JSON.parse(text));
  const { fileSystems, problems } = read;
  assert.ok(fileSystems.length > 100 && fileSystems.length < 1_000);
  assert.match(problems.at(-1) ?? '', `leaves out ${1_000 - fileSystems.length} of 1000`);
  assert.ok(leavesOutFileSystems(read));
  assert.not.ok(leavesOutFileSystems(MANIFEST));
});

test('a manifest that is cut, but names every file system, says nothing of file systems', () => {
  const [disk] = MANIFEST.disks;
  assert.ok(disk !== undefined);
  const volumes = Array.from({ length: 400 }, () => 'v'.repeat(250));
  const disks = Array.from({ length: 16 }, () => ({ ...disk, volumes }));
  const text = manifestText({ ...MANIFEST, disks, fileSystems: [] });
  const read = v.parse(manifestSchema, JSON.parse(text));
  assert.equal(read.problems, []);
  assert.match(read.disks[0]?.volumes.at(-1) ?? '', '… and 399 more');
});

test('is at most 1 MiB and can be read, whatever it is made of', () => {
  const path = fc.string({ unit: 'binary', maxLength: 5_000 });
  const property = fc.property(
    fc.record({
      problems: fc.array(path, { maxLength: 30 }),
      mountPoints: fc.array(path, { minLength: 1, maxLength: 40 }),
      count: fc.nat(400),
      disks: fc.nat(64),
      volumes: fc.array(fc.string({ unit: 'binary', maxLength: 250 }), { maxLength: 300 }),
    }),
    ({ problems, mountPoints, count, disks, volumes }) => {
      const [disk] = MANIFEST.disks;
      const text = manifestText({
        ...{ ...MANIFEST, problems },
        fileSystems: Array.from({ length: count }, () => ({ ...FILE_SYSTEM, mountPoints })),
        disks:
          disk === undefined ? [] : Array.from({ length: disks }, () => ({ ...disk, volumes })),
      });
      assert.ok(Buffer.byteLength(text) <= MOST_MANIFEST_BYTES);
      const read = v.parse(manifestSchema, JSON.parse(text));
      assert.is(read.disks.length, disks);
      assert.ok(read.problems.length <= 20);
    },
  );
  fc.assert(property, { numRuns: 30 });
});

test.run();
