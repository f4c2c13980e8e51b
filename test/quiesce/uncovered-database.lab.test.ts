import { chmodSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { LabDisks } from '../../src/lab/disks.ts';
import { attachImage, detachDevice } from '../../src/lab/loop-devices.ts';
import { enterLab } from '../../src/lab/namespace.ts';
import type { RunSummary } from '../../src/report/summary.ts';
import { flashfreeze } from '../commands/command-line.ts';
import { blobServer } from '../commands/rig.ts';
import { suite } from '../suite.ts';
import { makeStandIn, STAND_IN_UUID } from './databases/mysql-stand-in.ts';

await enterLab({ lifetimeSeconds: 600 });

const test = suite('a database whose disk is not in the set');

/** A server whose files lie in this directory. @returns the path of its workload.conf */
function serverIn(directory: string): string {
  const path = '/lab/workload.conf';
  writeFileSync(path, makeStandIn(directory, '8.0.22', STAND_IN_UUID));
  chmodSync(path, 0o600);
  return path;
}

test('a blob of an unknown disk does not stand for it: not application consistent', async () => {
  await using disks = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
  const [first, second] = disks.disks;
  const blank = '/lab/blank.img';
  writeFileSync(blank, '');
  truncateSync(blank, 64 << 20);
  const device = await attachImage(blank);
  await using _detached = { [Symbol.asyncDispose]: () => detachDevice(device) };
  await using server = await blobServer([
    { name: 'disk0', imagePath: first?.imagePath ?? '' },
    { name: 'disk1', imagePath: second?.imagePath ?? '' },
    { name: 'blank', imagePath: blank },
  ]);
  const workload = serverIn(join(second?.mountPoint ?? '', 'server'));
  const [disk0 = '', disk1 = '', ofBlank = ''] = server.urls;
  const summaryOf = async (urls: readonly string[]): Promise<RunSummary> => {
    const blobs = urls.flatMap((url) => ['--blob', url]);
    const options = ['--workload', workload, '--partial', '--json', '--no-timeline'];
    const ended = await flashfreeze(['snapshot', ...blobs, ...options]);
    assert.not.equal(ended.stdout, '', ended.stderr);
    return JSON.parse(ended.stdout) as RunSummary;
  };
  const without = await summaryOf([disk0, ofBlank]);
  assert.is(without.consistency, 'fileSystemConsistent', without.warnings.join());
  assert.is(without.code, 500);
  assert.match(without.warnings.join(), `lies on ${second?.mountPoint}, which is not frozen and`);
  const whole = await summaryOf([disk0, disk1, ofBlank]);
  assert.is(whole.consistency, 'applicationConsistent', whole.warnings.join());
});

test.run();
