import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readInstallation } from '../../src/extension/installation.ts';
import { suite } from '../suite.ts';

const test = suite('installation');

test('without a HandlerEnvironment.json that can be read the usual folders hold, and it is said why', async () => {
  const lib = await mkdtemp(join(tmpdir(), 'flashfreeze-installation-'));
  try {
    const read = () => readInstallation({ AZURE_GUEST_AGENT_EXTENSION_PATH: lib });
    const missing = await read();
    assert.is(missing.handler.configFolder, join(lib, 'config'));
    assert.is(missing.handler.statusFolder, join(lib, 'status'));
    assert.match(missing.handler.logFolder, /^\/var\/log\/azure\//);
    assert.is(missing.handlerProblem?.code, 'FF_ENVIRONMENT_INVALID');
    const environment = { logFolder: '/l', configFolder: '/c', statusFolder: '/s' };
    await writeFile(
      join(lib, 'HandlerEnvironment.json'),
      JSON.stringify({ name: 'A.B', handlerEnvironment: environment }),
    );
    const found = await read();
    assert.is(found.handler.statusFolder, '/s');
    assert.is(found.handlerProblem, undefined);
  } finally {
    await rm(lib, { recursive: true });
  }
});

test.run();
