import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { LabHost } from '../../../src/lab/host/lab-host.ts';
import { doSnapshotCall } from '../../../src/snapshot/host/do-snapshot.ts';
import { rehearseCall } from '../../../src/snapshot/host/warm-up.ts';
import { suite } from '../../suite.ts';

const test = suite('rehearsal of the call to the host');

const CALL = doSnapshotCall({
  taskId: 'task_1',
  diskIds: [0],
  settings: [],
  snapshotTaskToken: 'token',
  metadata: [],
  instantAccessDurationMinutes: undefined,
});

test('the host gets no request, and nothing is left listening', async () => {
  await using host = await LabHost.start();
  await rehearseCall(CALL);
  assert.equal(await host.requests(), []);
  assert.not.match(
    await readFile('/proc/net/unix', 'utf8'),
    `@flashfreeze-rehearsal-${process.pid}-`,
  );
});

test('it does not prevent the process from ending', async () => {
  const program = join(import.meta.dirname, 'fixtures/rehearse.ts');
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  assert.equal([said, code], ['rehearsed\n', 0]);
});

test.run();
