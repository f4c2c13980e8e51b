/** The blocks of src/docs/how-to/sas.md, run by a shell with a stand-in for az. */
import { execFileSync } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { containerUrlsOf } from '../../src/commands/container-options.ts';
import { requestedBlobs } from '../../src/commands/snapshot-options.ts';
import { expiryOf } from '../../src/snapshot/blob/sas-expiry.ts';
import { permissionsOf } from '../../src/snapshot/blob/sas-permissions.ts';
import { suite } from '../suite.ts';
import { blocksOf, textOf } from './pages.ts';

const test = suite('SAS page');
const BLOCKS = blocksOf(textOf('src/docs/how-to/sas.md'), 'sh');
const NAMES = ['vhds/os.vhd', 'vhds/db/data-1.vhd'];

/** An empty folder in which shells run whose az is the stand-in. */
class Desk implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Desk> {
    const folder = await mkdtemp(join(tmpdir(), 'sas-page-'));
    await copyFile(join(import.meta.dirname, 'fixtures/az.sh'), join(folder, 'az'));
    return new Desk(folder);
  }

  run(script: string): void {
    const env = { ...process.env, PATH: `${this.folder}:${process.env.PATH}` };
    execFileSync('sh', ['-euc', script], { cwd: this.folder, env });
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

function blockWith(text: string): string {
  const found = BLOCKS.filter((block) => block.includes(text));
  assert.is(found.length, 1, text);
  return found[0] ?? '';
}

test('a SAS for each disk: the loop makes a file of blobs that only its owner may read', async () => {
  await using desk = await Desk.create();
  desk.run(blockWith('az vm show'));
  const file = desk.path('blobs.txt');
  const blobs = requestedBlobs({ blobsFrom: file });
  assert.equal(
    blobs.map(({ address }) => `${address.origin}${address.pathname}`),
    NAMES.map((name) => `https://acct.blob.core.windows.net/${name}`),
  );
  const days = 86_400_000;
  for (const { url, address } of blobs) {
    const { read, snapshot, list } = permissionsOf(address.query);
    assert.equal([read, snapshot, list], [true, true, false]);
    const lifetimeMs = (expiryOf(url)?.getTime() ?? 0) - Date.now();
    assert.ok(lifetimeMs > 29 * days && lifetimeMs < 31 * days);
  }
  assert.is((await stat(file)).mode & 0o777, 0o600);
});

test('one SAS of a container: for the blobs, and to list them', async () => {
  await using desk = await Desk.create();
  desk.run(`${blockWith('az vm show')}\n${blockWith('az storage container generate-sas')}`);
  const blobs = requestedBlobs({ blobsFrom: desk.path('blobs.txt') });
  assert.is(blobs.length, NAMES.length);
  assert.ok(blobs.every(({ address }) => address.query.includes('sr=c&sp=rc')));
  const [container = '', ...more] = containerUrlsOf({ containerFrom: desk.path('container.txt') });
  assert.is(more.length, 0);
  assert.ok(permissionsOf(new URL(container).search.slice(1)).list);
});

test('the file is put in its place for root alone', async () => {
  await using desk = await Desk.create();
  const target = desk.path('installed.txt');
  const line = blockWith('install -o root').replace('/etc/flashfreeze-blobs.txt', target);
  desk.run(`umask 022; echo 'a line' > blobs.txt; ${line}`);
  const { mode, uid } = await stat(target);
  assert.equal([mode & 0o777, uid], [0o600, 0]);
  assert.is(await readFile(target, 'utf8'), 'a line\n');
});

test.run();
