// sync(1) of anyone sends a flush to the disk of a frozen ext4, which the kernel counts as a write without sectors.
import { basename } from 'node:path';
import * as assert from 'uvu/assert';
import { WriteWatch } from '../../src/backup/write-watch.ts';
import { WriteCounter } from '../../src/filesystems/write-counters.ts';
import { LabDisks } from '../../src/lab/disks.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import { runCommand } from '../../src/lab/run-command.ts';
import { suite } from '../suite.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('flushes of others');

/** What the counters show if something happens while all file systems are frozen. */
async function seenOf(meanwhile: (device: string) => Promise<unknown>): Promise<string[]> {
  await using lab = await LabDisks.create([{ type: 'ext4' }, { type: 'xfs' }, { type: 'btrfs' }]);
  for (const { mountPoint } of lab.disks) {
    await runCommand('fsfreeze', ['--freeze', mountPoint]);
  }
  try {
    const names = lab.disks.map(({ device }) => basename(device));
    using watch = WriteWatch.open(
      names.map((name) => [name]),
      [],
      () => true,
    );
    const all = [...names.keys()];
    watch.atBarrier([]);
    await meanwhile(lab.disks[0]?.device ?? '');
    watch.afterAnswers(all);
    return watch.results().map(({ kind }) => kind);
  } finally {
    for (const { mountPoint } of lab.disks) {
      await runCommand('fsfreeze', ['--unfreeze', mountPoint]);
    }
  }
}

test('a sync of anyone while all is frozen counts as a write of an ext4, and changes no disk', async () => {
  let counted = 0;
  const seen = await seenOf(async (device) => {
    using counter = WriteCounter.open(basename(device));
    counter?.read();
    const before = counter?.completed ?? 0;
    await runCommand('sync', []);
    counter?.read();
    counted = (counter?.completed ?? 0) - before;
  });
  assert.equal(seen, ['unchanged', 'unchanged', 'unchanged']);
  assert.ok(counted > 0, 'this kernel does not count a flush: the test shows nothing');
});

test('a write to the device itself does (negative control)', async () => {
  const seen = await seenOf((device) =>
    runCommand('dd', [
      ...['if=/dev/zero', `of=${device}`, 'bs=4096', 'seek=1000', 'count=1'],
      ...['oflag=direct', 'conv=notrunc', 'status=none'],
    ]),
  );
  assert.equal(seen, ['changed', 'unchanged', 'unchanged']);
});

test.run();
