import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Installation, readInstallation } from '../../../src/extension/installation.ts';
import { reportUnfinished } from '../../../src/extension/task/report-unfinished.ts';
import {
  beginTask,
  finishTask,
  readHandled,
  recordHandled,
} from '../../../src/extension/task-history.ts';
import { suite } from '../../suite.ts';

const test = suite('task that nobody has told of');
const SETTINGS = {
  runtimeSettings: [
    {
      handlerSettings: {
        publicSettings: { taskId: 'a_1', vmType: 'microsoft.compute/virtualmachines' },
      },
    },
  ],
};

/** An extension that has recorded task a_1 with number 3 and written its first status. */
async function withTask(use: (installation: Installation) => Promise<void>): Promise<void> {
  const lib = await mkdtemp(join(tmpdir(), 'flashfreeze-unfinished-'));
  try {
    const directory = join(lib, 'Some.Publisher.SnapshotLinux-1.0.0.1');
    const folders = { logFolder: 'log', configFolder: 'config', statusFolder: 'status' };
    for (const folder of Object.values(folders)) {
      await mkdir(join(directory, folder), { recursive: true });
    }
    await writeFile(
      join(directory, 'HandlerEnvironment.json'),
      JSON.stringify({ handlerEnvironment: folders }),
    );
    await writeFile(join(directory, 'config/3.settings'), JSON.stringify(SETTINGS));
    await writeFile(join(directory, 'status/3.status'), '[]');
    await beginTask(directory, 3);
    await recordHandled(directory, { sequenceNumber: 3, taskId: 'a_1' }, undefined);
    await use(await readInstallation({ AZURE_GUEST_AGENT_EXTENSION_PATH: directory }));
  } finally {
    await rm(lib, { recursive: true });
  }
}

const statusOf = ({ handler }: Installation): Promise<string> =>
  readFile(join(handler.statusFolder, '3.status'), 'utf8');

test('is told once, as interrupted', async () => {
  await withTask(async (installation) => {
    await reportUnfinished(installation, []);
    const text = await statusOf(installation);
    const [{ status }] = JSON.parse(text) as [{ status: Record<string, unknown> }];
    assert.equal([status.code, status.taskId, status.status], ['2', 'a_1', 'success']);
    assert.is((await readHandled(installation.directory, undefined)).isFinished, true);
    await writeFile(join(installation.handler.statusFolder, '3.status'), '[]');
    await reportUnfinished(installation, []);
    assert.is(await statusOf(installation), '[]');
  });
});

test('is told once also if it got another number while it ran', async () => {
  await withTask(async (installation) => {
    const { directory, handler } = installation;
    await rm(join(handler.statusFolder, '3.status'));
    const record = { sequenceNumber: 4, taskId: 'a_1', begunAs: 3 };
    await recordHandled(directory, record, undefined);
    await writeFile(join(handler.statusFolder, '4.status'), '[]');
    await reportUnfinished(installation, []);
    assert.match(await readFile(join(handler.statusFolder, '4.status'), 'utf8'), '"code":"2"');
    assert.equal(await readHandled(directory, undefined), { ...record, isFinished: true });
  });
});

test('is told also where its settings are gone', async () => {
  await withTask(async (installation) => {
    await rm(join(installation.handler.configFolder, '3.settings'));
    await reportUnfinished(installation, []);
    assert.match(await statusOf(installation), '"code":"2"');
  });
});

for (const [what, guid, told] of [
  ['this machine is told', 'AB-1', true],
  ['the machine that this one was restored from is left alone', 'cd-2', false],
] as const) {
  test(`one of ${what}`, async () => {
    await withTask(async (installation) => {
      const { directory, libDirectory } = installation;
      const xml = `<H><Incarnation /><Role guid="{${guid}}" /></H>`;
      await writeFile(join(libDirectory, 'HostingEnvironmentConfig.xml'), xml);
      await recordHandled(directory, { sequenceNumber: 3, taskId: 'a_1' }, '{ab-1}');
      await reportUnfinished(installation, []);
      assert.is((await statusOf(installation)) !== '[]', told);
    });
  });
}

test('one that was reported is left alone', async () => {
  await withTask(async (installation) => {
    await finishTask(installation.directory, 3);
    await reportUnfinished(installation, []);
    assert.is(await statusOf(installation), '[]');
  });
});

test.run();
