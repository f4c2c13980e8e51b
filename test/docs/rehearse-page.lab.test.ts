/** Every line of src/docs/how-to/rehearse.md, in its order, on disks of the lab. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { suite } from '../suite.ts';
import { blocksOf, shellLinesOf, textOf } from './pages.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('rehearsal page');
const LINES = blocksOf(textOf('src/docs/how-to/rehearse.md'), 'sh').flatMap(shellLinesOf);
/** Of what the page says to look for. */
const EXPECTED: Readonly<Record<string, string>> = {
  plan: 'expected longest time that writers are blocked',
  doctor: '✓ root',
  freeze: '✓ everything was frozen for the',
  report: '✓ true ended with exit code 0, and everything was frozen all the time',
};

test('each line does what the page says, and everything can be written afterwards', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }]);
  const [first] = disks.disks;
  assert.ok(LINES.length >= 7, LINES.join('\n'));
  for (const line of LINES) {
    const [program, command = '', ...rest] = line.split(' ');
    assert.is(program, 'flashfreeze', line);
    const args = rest.map((word) =>
      word === '/data' ? (first?.mountPoint ?? '') : word.replace('rehearsal.html', '/run/r.html'),
    );
    const { exitCode, stdout, stderr } = await flashfreeze([command, ...args]);
    assert.is(exitCode, 0, `${line}: ${stderr}`);
    if (!line.includes(' -o ')) {
      assert.match(`${stdout}${stderr}`, EXPECTED[command] ?? '', line);
    }
    for (const { mountPoint } of disks.disks) {
      await writeFile(join(mountPoint, 'after'), line);
    }
  }
});

test.run();
