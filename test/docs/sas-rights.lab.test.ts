/** The table of rights in src/docs/how-to/sas.md, tried letter by letter against a service that checks them. */
import { readFileSync } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import * as v from 'valibot';
import { enterLab } from '../../src/lab/namespace.ts';
import { RUN_FOLDER, runFilesIn } from '../../src/report/run-folder.ts';
import { runSummarySchema } from '../../src/report/schemas/run-summary.ts';
import { snapshotListSchema } from '../../src/report/schemas/stored-snapshots.ts';
import { type Ended, flashfreeze } from '../commands/command-line.ts';
import { Rig } from '../commands/rig.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 900 });

const test = suite('rights of a SAS');
const PAGE = readFileSync(join(import.meta.dirname, '../../src/docs/how-to/sas.md'), 'utf8');

/** A row: what is done, the SAS it is done with, and the letters that it needs. */
interface Row {
  readonly purpose: string;
  readonly of: string;
  readonly letters: string;
}

const ROWS: readonly Row[] = [
  ...PAGE.matchAll(/^\| `?([^|]+?)`? \| (blob|container) \| `(\w+)` \|/gm),
].map(([, purpose = '', of = '', letters = '']) => ({ purpose, of, letters }));

/**
 * One disk with two restore points, of which the later one has a manifest. What this machine knows of the runs is gone, but
 * for one file.
 */
class Night implements AsyncDisposable {
  /** The file of the later run. */
  readonly run = '/run/night.json';
  readonly #rig: Rig;
  #prefixes = 0;

  private constructor(rig: Rig) {
    this.#rig = rig;
  }

  static async create(): Promise<Night> {
    const night = new Night(await Rig.create([{ type: 'ext4' }]));
    for (const _ of ['earlier', 'later']) {
      const run = ['snapshot', '--blob', night.blobWithContainerSas('rc'), '--quiet'];
      assert.ok(await succeeds(run));
    }
    const [latest = ''] = await runFilesIn();
    await copyFile(latest, night.run);
    await rm(RUN_FOLDER, { recursive: true });
    return night;
  }

  blob(permissions: string): string {
    return this.#rig.server.sasUrl('disk0', { permissions });
  }

  container(permissions: string): string {
    return this.#rig.server.containerUrl({ permissions });
  }

  blobWithContainerSas(permissions: string): string {
    const [, sas] = this.container(permissions).split('?');
    return `${this.blob('r').split('?')[0]}?${sas}`;
  }

  async id(): Promise<string> {
    const taken = await this.#rig.server.snapshots('disk0');
    return taken.at(-1)?.metadata.flashfreeze_run ?? '';
  }

  /** Whether a run succeeds without a warning, and a manifest more is there. */
  async writesManifest(options: readonly string[]): Promise<boolean> {
    const before = await this.#manifests();
    const warnings = await warningsOf(['snapshot', ...options, '--json']);
    return warnings?.length === 0 && (await this.#manifests()) === before + 1;
  }

  async prune(letters: string, ...options: readonly string[]): Promise<Ended> {
    const container = this.container(letters);
    const prune = ['snapshots', 'prune', '--container', container, '--keep-last', '1'];
    return await flashfreeze([...prune, ...options]);
  }

  async restores(from: string, to: string): Promise<boolean> {
    this.#prefixes += 1;
    return await succeeds([
      ...['restore', await this.id(), '--create', '--prefix', `new${this.#prefixes}/`],
      ...['--container', this.container(from), '--to', this.container(to)],
    ]);
  }

  async #manifests(): Promise<number> {
    const requests = await this.#rig.server.requests();
    return requests.filter(
      ({ operation, target, status }) =>
        operation === 'upload' && target.includes('/flashfreeze/') && status === 201,
    ).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#rig[Symbol.asyncDispose]();
  }
}

/** Whether everything is there that the row promises, with a SAS of these letters; each case begins with a restore point. */
const CASES: Readonly<Record<string, (night: Night, letters: string) => Promise<boolean>>> = {
  doctor: async (night, letters) => {
    const { exitCode, stdout } = await flashfreeze(['doctor', '--blob', night.blob(letters)]);
    return exitCode === 0 && stdout.includes('✓ set: ');
  },
  plan: async (night, letters) => await succeeds(['plan', '--blob', night.blob(letters)]),
  snapshot: async (night, letters) => {
    const run = ['snapshot', '--blob', night.blob(letters), '--json'];
    return (await warningsOf(run))?.length === 0;
  },
  'snapshot`, with the manifest beside the blobs': async (night, letters) =>
    await night.writesManifest(['--blob', night.blobWithContainerSas(letters)]),
  'snapshot --manifest': async (night, letters) =>
    await night.writesManifest([
      ...['--blob', night.blob('rc'), '--manifest', night.container(letters)],
    ]),
  'snapshots list': async (night, letters) => {
    const container = night.container(letters);
    const ended = await flashfreeze(['snapshots', 'list', '--container', container, '--json']);
    if (ended.exitCode !== 0) {
      return false;
    }
    const { restorePoints } = v.parse(snapshotListSchema, JSON.parse(ended.stdout));
    return restorePoints?.[0]?.worth === 'complete';
  },
  'snapshots verify': async (night, letters) =>
    await succeeds([
      ...['snapshots', 'verify', night.run, '--container', night.container(letters)],
    ]),
  'snapshots verify --deep': async (night, letters) =>
    await succeeds([
      ...['snapshots', 'verify', '--container', night.container(letters)],
      ...['--deep', await night.id()],
    ]),
  'snapshots prune': async (night, letters) =>
    (await night.prune(letters)).stdout.includes('kept by no rule'),
  'snapshots prune --delete': async (night, letters) =>
    (await night.prune(letters, '--delete')).stdout.includes('1 of 1 removed'),
  restore: async (night, letters) =>
    await succeeds(['restore', await night.id(), '--container', night.container(letters)]),
  'restore --create`, from': async (night, letters) => await night.restores(letters, 'rc'),
  'restore --create --to': async (night, letters) => await night.restores('rl', letters),
};

async function succeeds(args: readonly string[]): Promise<boolean> {
  return (await flashfreeze(args)).exitCode === 0;
}

/** Undefined if the run failed. */
async function warningsOf(args: readonly string[]): Promise<readonly string[] | undefined> {
  const { exitCode, stdout } = await flashfreeze(args);
  return exitCode === 0 ? v.parse(runSummarySchema, JSON.parse(stdout)).warnings : undefined;
}

test('the table has a row for everything that is tried here', () => {
  assert.equal(
    ROWS.map(({ purpose }) => purpose),
    Object.keys(CASES),
  );
});

/** Of a file of tests each has a time limit, so the rows are not all in one. */
for (const group of [/^(?:doctor|plan|snapshot)\b/, /^snapshots /, /^restore/]) {
  test(`${group.source}: the letters are enough, and none of them is too much`, async () => {
    await using night = await Night.create();
    const rows = ROWS.filter(({ purpose }) => group.test(purpose));
    assert.ok(rows.length > 2);
    for (const { purpose, letters } of rows) {
      // Those that are too few first: they change nothing.
      const without = [...letters].map((letter) => letters.replace(letter, ''));
      for (const granted of [...without, letters]) {
        const isEnough = await CASES[purpose]?.(night, granted);
        assert.is(isEnough, granted === letters, `${purpose}: sp=${granted}`);
      }
    }
  });
}

test.run();
