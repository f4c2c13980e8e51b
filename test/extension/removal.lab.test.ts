import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readInstallation } from '../../src/extension/installation.ts';
import { disable, uninstall } from '../../src/extension/removal.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('removal of a broken installation');

for (const [what, remove] of [
  ['disable', disable],
  ['uninstall', uninstall],
] as const) {
  test(`${what} succeeds with a warning if the lock cannot be had`, async () => {
    const lib = await mkdtemp(join(tmpdir(), 'flashfreeze-removal-'));
    try {
      const directory = join(lib, 'Some.Publisher.SnapshotLinux-1.0.0.0');
      // A directory in place of the file stands for a file system on which no lock can be taken.
      await mkdir(join(directory, 'enable.lock'), { recursive: true });
      const folders = { logFolder: 'log', configFolder: 'config', statusFolder: 'status' };
      await writeFile(
        join(directory, 'HandlerEnvironment.json'),
        JSON.stringify([{ name: 'a', version: 1.0, handlerEnvironment: folders }]),
      );
      const installation = await readInstallation({ AZURE_GUEST_AGENT_EXTENSION_PATH: directory });
      const warnings: string[] = [];
      await remove(installation, [], (message) => warnings.push(message));
      assert.match(warnings.join('\n'), /enable\.lock.*EISDIR/);
      assert.match(warnings.join('\n'), 'not waited for');
    } finally {
      await rm(lib, { recursive: true });
    }
  });
}

test.run();
