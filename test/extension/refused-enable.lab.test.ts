/** An enable that fails before the process that runs the task: it reports in place of that process. */
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { beginTask, finishTask, recordHandled } from '../../src/extension/task-history.ts';
import { noteWorker } from '../../src/extension/task-process.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import { install, launch } from './installed.ts';
import { startSilentServer } from './silent-server.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('enable that fails before the task runs');
const SECRET = 'Tywk%2FOXL1zvhXcLujtC';
const ADDON = join(import.meta.dirname, '../../build/Release/flashfreeze.node');
/** Enough for every step, and for an upload that is not answered. */
const QUICK_MS = 60_000;
let scenes = 0;

interface Reported {
  readonly status: string;
  readonly code: string;
  readonly taskId: string;
}

interface Scene extends AsyncDisposable {
  readonly directory: string;
  /** What was written to each blob, by its name, in order. */
  readonly written: (readonly [name: string, text: string])[];
  readonly enable: () => Promise<string>;
  readonly file: () => Promise<string>;
}

/** An extension with the settings file of task `a_1` under number 3, and a service with its blobs. */
async function scene(wish: { readonly statusBlobUri?: string } = {}): Promise<Scene> {
  scenes += 1;
  const directory = await install(`/lab/refused${scenes}`);
  const written: (readonly [string, string])[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    if (request.method === 'PUT') {
      written.push([request.url?.replace(/^.*\/|\?.*$/g, '') ?? '', body.toString()]);
    }
    response.writeHead(request.method === 'PUT' ? 201 : 200, { 'x-ms-blob-type': 'BlockBlob' });
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const uri = (name: string): string => `http://127.0.0.1:${port}/a/c/${name}?sig=${SECRET}&sp=rw`;
  const handlerSettings = {
    publicSettings: { taskId: 'a_1', vmType: 'microsoft.compute/virtualmachines' },
    protectedSettings: { statusBlobUri: uri('status'), logsBlobUri: uri('log'), ...wish },
  };
  const settings = JSON.stringify({ runtimeSettings: [{ handlerSettings }] });
  await writeFile(join(directory, 'config/3.settings'), settings);
  return {
    directory,
    written,
    file: async () => await readFile(join(directory, 'status/3.status'), 'utf8'),
    enable: async () => {
      const help = async (): Promise<void> => {};
      const ended = await launch(directory, 'enable', { sequenceNumber: 3, help });
      assert.is(ended?.code, 0, ended?.said);
      return ended?.said ?? '';
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** In the lab only: the mount is in its namespace. */
async function withoutAddon(): Promise<AsyncDisposable> {
  await runCommand('mount', ['--bind', '/dev/null', ADDON]);
  return {
    [Symbol.asyncDispose]: async () => {
      await runCommand('umount', [ADDON]);
    },
  };
}

/** Task `a_1` is run under that number. */
async function begun(directory: string, sequenceNumber: number): Promise<void> {
  await beginTask(directory, sequenceNumber);
  await recordHandled(directory, { sequenceNumber, taskId: 'a_1' }, undefined);
}

/** Task `a_1` was run under that number, and told. */
async function finished(directory: string, sequenceNumber: number): Promise<void> {
  await begun(directory, sequenceNumber);
  await finishTask(directory, sequenceNumber);
}

function statusIn(text: string): Reported {
  const [{ status }] = JSON.parse(text) as [{ status: Reported }];
  return { status: status.status, code: status.code, taskId: status.taskId };
}

async function assertRefused({ written, file }: Scene, code: string): Promise<void> {
  assert.equal(
    written.map(([name]) => name),
    ['status', 'log'],
  );
  const [[, status], [, log]] = written as [[string, string], [string, string]];
  // The service reads the outcome in the blob; the file of a V2 machine says success.
  assert.equal(statusIn(status), { status: 'error', code, taskId: 'a_1' });
  assert.equal(statusIn(await file()), { status: 'success', code, taskId: 'a_1' });
  assert.match(log, 'ERROR');
  assert.not.match(log + status + (await file()), SECRET);
}

test('without the native addon', async () => {
  await using refused = await scene();
  await using _without = await withoutAddon();
  await refused.enable();
  await assertRefused(refused, '124');
});

/** A directory or file in the place of the other stands for what cannot be written. */
const BROKEN: readonly (readonly [what: string, make: (directory: string) => Promise<unknown>])[] =
  [
    ['with a lock that cannot be had', (it) => mkdir(join(it, 'enable.lock'))],
    ['with a task that cannot be recorded', (it) => mkdir(join(it, 'mrseq'))],
    ['with a process that cannot be noted', (it) => writeFile(join(it, 'workers'), '')],
  ];

for (const [what, make] of BROKEN) {
  test(`${what}, although the secrets may be gone from the settings file`, async () => {
    await using refused = await scene();
    await make(refused.directory);
    await refused.enable();
    await assertRefused(refused, '2');
  });
}

test('the result of a task that was told stays, in the file and in the blob', async () => {
  await using repeat = await scene();
  await finished(repeat.directory, 3);
  await writeFile(join(repeat.directory, 'status/3.status'), '["good"]');
  await using _without = await withoutAddon();
  await repeat.enable();
  assert.is(await repeat.file(), '["good"]');
  assert.equal(repeat.written, []);
  // Without a file the agent would wait for ever.
  await rm(join(repeat.directory, 'status/3.status'));
  await repeat.enable();
  assert.is(statusIn(await repeat.file()).code, '124');
  assert.equal(repeat.written, []);
});

test('the blob of a task that was told stays also if the task gets another number', async () => {
  await using same = await scene();
  await finished(same.directory, 2);
  await using _without = await withoutAddon();
  await same.enable();
  assert.is(statusIn(await same.file()).code, '124');
  assert.equal(same.written, []);
});

test('a task that runs reports for itself; one whose process has died does not', async () => {
  await using repeat = await scene();
  await begun(repeat.directory, 3);
  await writeFile(join(repeat.directory, 'status/3.status'), '["runs"]');
  await noteWorker(repeat.directory, process.pid);
  await using _without = await withoutAddon();
  await repeat.enable();
  assert.is(await repeat.file(), '["runs"]');
  assert.equal(repeat.written, []);
  await rm(join(repeat.directory, 'workers'), { recursive: true });
  await repeat.enable();
  await assertRefused(repeat, '124');
});

test('a blob that does not answer holds up neither the file nor the command', async () => {
  await using silent = await startSilentServer();
  await using refused = await scene({ statusBlobUri: silent.url });
  await using _without = await withoutAddon();
  const beganMs = performance.now();
  await refused.enable();
  assert.ok(performance.now() - beganMs < QUICK_MS);
  assert.is(statusIn(await refused.file()).code, '124');
  assert.equal(
    refused.written.map(([name]) => name),
    ['log'],
  );
});

test('settings that cannot be read are told in the file', async () => {
  await using refused = await scene();
  await rm(join(refused.directory, 'config/3.settings'));
  await refused.enable();
  assert.equal(statusIn(await refused.file()), { status: 'error', code: '12', taskId: '' });
  assert.equal(refused.written, []);
});

test.run();
