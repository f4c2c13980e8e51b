import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { MountOpenings } from '../../src/freezer/open-mounts.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { SERVED_IMAGE, ServedImage } from '../deadlock/served-image.ts';
import { inTime } from '../in-time.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('opening mount points');
/** For one that does not answer; those that do have to be opened within it. */
const LIMIT_S = 0.5;

function descriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return [];
    }
  });
}

test('reports the result for each, and closes what was opened', async () => {
  await writeFile('/lab/file', '');
  const before = descriptors().filter((path) => path.startsWith('/lab'));
  {
    using openings = await MountOpenings.open([
      '/lab',
      '/lab/none',
      '/lab/file',
      '/dev/null',
      '/lab',
    ]);
    const { errno } = { errno: 'ENOENT', ...openings.of('/lab/none') };
    assert.equal(
      ['/lab', '/lab/none', '/lab/file', '/dev/null'].map((path) => openings.of(path).kind),
      ['opened', 'failed', 'opened', 'failed'],
    );
    assert.is(errno, 'ENOENT');
    assert.is(readlinkSync(openings.pathOf('/lab/file')), '/lab/file');
    assert.is(openings.pathOf('/lab/none'), '/lab/none');
  }
  assert.equal(
    descriptors().filter((path) => path.startsWith('/lab')),
    before,
  );
});

test('opens hundreds, and none', async () => {
  using none = await MountOpenings.open([]);
  assert.is(none.of('/lab').kind, 'failed');
  const paths = Array.from({ length: 300 }, (_, index) => `/lab/many/${index}`);
  await Promise.all(paths.map((path) => mkdir(path, { recursive: true })));
  using openings = await MountOpenings.open(paths);
  assert.ok(paths.every((path) => openings.of(path).kind === 'opened'));
});

test('reports a mount point that does not answer, and opens the rest, before or after it', async () => {
  await writeFile('/lab/content', '');
  await using served = await ServedImage.create('/lab/content');
  using _stopped = served.stop();
  for (const paths of [
    [SERVED_IMAGE, '/lab', '/'],
    ['/lab', SERVED_IMAGE, '/'],
    ['/lab', '/', SERVED_IMAGE],
  ]) {
    const kinds = await inTime(
      LIMIT_S,
      async (limitS) => {
        using openings = await MountOpenings.open(paths, limitS * 1_000);
        return paths.map((path) => openings.of(path).kind);
      },
      (found) => found.filter((kind) => kind === 'opened').length === 2,
    );
    assert.equal(
      kinds,
      paths.map((path) => (path === SERVED_IMAGE ? 'no-answer' : 'opened')),
    );
  }
});

test('leaves no process behind that could end', async () => {
  using _openings = await MountOpenings.open(['/lab', '/']);
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8');
  const states = children
    .split(' ')
    .filter((pid) => pid !== '')
    .map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8'))
    // A helper that has ended is waited for by libuv, now or later.
    .filter((stat) => !/\) Z /.test(stat));
  assert.equal(states, []);
});

test.run();
