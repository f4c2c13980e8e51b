import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readInstallation } from '../../src/extension/installation.ts';
import { update } from '../../src/extension/removal.ts';
import { readHandled, recordHandled } from '../../src/extension/task-history.ts';
import { suite } from '../suite.ts';

const test = suite('update');
const NAME = 'Some.Publisher.SnapshotLinux';
const GUID = '0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0';
const LAST = { sequenceNumber: 12, taskId: 'a_1' };

/** The agent's directory with two versions in it. */
class Versions implements AsyncDisposable {
  readonly #lib: string;

  private constructor(lib: string) {
    this.#lib = lib;
  }

  static async create(...versions: readonly string[]): Promise<Versions> {
    const made = new Versions(await mkdtemp(join(tmpdir(), 'flashfreeze-update-')));
    for (const version of versions) {
      const directory = made.directory(version);
      await mkdir(directory);
      const folders = { logFolder: 'log', configFolder: 'config', statusFolder: 'status' };
      await writeFile(
        join(directory, 'HandlerEnvironment.json'),
        JSON.stringify([{ name: NAME, version: 1.0, handlerEnvironment: folders }]),
      );
    }
    return made;
  }

  directory(version: string): string {
    return join(this.#lib, `${NAME}-${version}`);
  }

  /** Runs update of that version, as the agent does after it has copied the sequence number. */
  async update(of: string, from: string, wanted: string): Promise<void> {
    const installation = await readInstallation({
      AZURE_GUEST_AGENT_EXTENSION_PATH: this.directory(of),
      AZURE_GUEST_AGENT_EXTENSION_VERSION: of,
      AZURE_GUEST_AGENT_UPDATING_FROM_VERSION: from,
      VERSION: wanted,
      AZURE_GUEST_AGENT_DISABLE_CMD_EXIT_CODE: '0',
    });
    await update(installation);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#lib, { recursive: true });
  }
}

const isKnownIn = async (directory: string): Promise<void> => {
  assert.equal(await readHandled(directory, GUID), { ...LAST, isFinished: true });
  assert.is((await readHandled(directory, 'another machine')).sequenceNumber, undefined);
};

test('the new version knows what the old one had handled', async () => {
  await using versions = await Versions.create('1.0.0.9', '1.0.0.10');
  await recordHandled(versions.directory('1.0.0.9'), LAST, GUID);
  await writeFile(join(versions.directory('1.0.0.10'), 'mrseq'), '12');
  await versions.update('1.0.0.10', '1.0.0.9', '1.0.0.10');
  await isKnownIn(versions.directory('1.0.0.10'));
});

test('going back to an older version, which the agent leaves to the newer one, that one knows it', async () => {
  await using versions = await Versions.create('1.0.0.9', '1.0.0.10');
  await recordHandled(versions.directory('1.0.0.10'), LAST, GUID);
  await writeFile(join(versions.directory('1.0.0.9'), 'mrseq'), '12');
  await versions.update('1.0.0.10', '1.0.0.9', '1.0.0.9');
  await isKnownIn(versions.directory('1.0.0.9'));
  await isKnownIn(versions.directory('1.0.0.10'));
});

test('going back to the backup service’s own extension, that one finds the task and the machine', async () => {
  await using versions = await Versions.create('1.0.0.9', '1.0.0.10');
  const directory = versions.directory('1.0.0.9');
  await recordHandled(versions.directory('1.0.0.10'), LAST, GUID);
  await versions.update('1.0.0.10', '1.0.0.9', '1.0.0.9');
  const text = async (name: string): Promise<string> =>
    await readFile(join(directory, name), 'utf8');
  assert.is(await text('mrseq'), '12');
  assert.is(await text('task_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C'), 'a_1');
  assert.is(await text('machine_identity_FD76C85E-406F-4CFA-8EB0-CF18B123365C'), GUID);
});

test('a VERSION of somebody else’s changes nothing', async () => {
  await using versions = await Versions.create('1.0.0.9', '1.0.0.10');
  await recordHandled(versions.directory('1.0.0.9'), LAST, GUID);
  await versions.update('1.0.0.10', '1.0.0.9', '12 (bookworm)');
  await isKnownIn(versions.directory('1.0.0.10'));
  assert.is(await readFile(join(versions.directory('1.0.0.9'), 'mrseq'), 'utf8'), '12');
});

test.run();
