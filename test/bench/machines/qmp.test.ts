import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Qmp } from '../../../bench/machines/qemu/qmp.ts';
import { suite } from '../../suite.ts';

const test = suite('control of QEMU');

test('commands are answered in their order; what waits when QEMU ends is rejected', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'flashfreeze-qmp-'));
  const path = join(folder.path, 'control');
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('{"QMP": {}}\n');
    socket.on('data', (data) => {
      if (data.includes('"quit"')) {
        socket.destroy();
      } else if (data.includes('"refused"')) {
        socket.write('{"event": "RESUME"}\n{"error": {"desc": "no such command"}}\n');
      } else {
        socket.write('{"return": {"ok": true}}\n');
      }
    });
  });
  server.listen(path);
  await once(server, 'listening');
  using control = await Qmp.connect(path);
  assert.equal(await control.command('cont'), { ok: true });
  const said = (command: string) => control.command(command).catch(({ message }) => message);
  assert.is(await said('refused'), 'QEMU: no such command');
  assert.is(await said('quit'), 'QEMU has ended');
  server.close();
});

test.run();
