import { mkdir } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';
import { flashfreeze } from './command-line.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('control characters in names');
const NAME = '/lab/evil\x1b[2Jx\n✓ root: forged\u202e';

test('a mount point with an escape sequence and a line feed acts on no terminal', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4', imageOn: 0 }]);
  const [host, guest] = disks.disks;
  assert.ok(host !== undefined && guest !== undefined);
  await mkdir(NAME, { recursive: true });
  await runCommand('mount', ['--move', guest.mountPoint, NAME]);
  try {
    for (const args of [
      ['plan'],
      // One file system without the other gives warnings that name it.
      ['plan', '--mount', NAME],
      ['plan', '--mount', `${NAME}x`],
      ['doctor'],
      ['freeze', '--', 'true'],
      ['thaw', NAME],
    ]) {
      const { stdout, stderr } = await flashfreeze(args);
      const printed = `${stdout}${stderr}`;
      assert.not.match(printed, '\x1b', args.join(' '));
      assert.not.match(printed, '\u202e', args.join(' '));
      assert.not.match(printed, /^✓ root: forged/m, args.join(' '));
      assert.match(printed, 'evil\\x1b[2Jx', args.join(' '));
    }
    const { stdout } = await flashfreeze(['plan', '--json']);
    assert.not.match(stdout, '\u202e');
    assert.match(JSON.stringify(JSON.parse(stdout)), JSON.stringify(NAME));
  } finally {
    await runCommand('mount', ['--move', NAME, guest.mountPoint]);
  }
});

test.run();
