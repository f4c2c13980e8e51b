import * as assert from 'uvu/assert';
import { daemonRelations } from '../../../src/filesystems/relations/daemon-relations.ts';
import type { Daemon, Relation } from '../../../src/filesystems/relations/relation-types.ts';
import { parseMountinfo } from '../../../src/system/mountinfo.ts';
import { suite } from '../../suite.ts';

const test = suite('relations through daemons');

const { mounts } = parseMountinfo(
  [
    '20 1 8:1 / / rw - ext4 /dev/sda1 rw',
    '21 20 8:17 / /data rw - xfs /dev/sdb1 rw',
    '22 20 0:55 / /mnt/images rw - fuse.sshfs host: rw',
    '23 20 0:56 / /mnt/others rw - fuse other rw',
  ].join('\n'),
);
const process = { pid: 812, command: 'sshfs', permissionGroups: [], connections: [] };

function pairs(daemons: readonly Daemon[]): string[] {
  return daemonRelations(daemons, mounts).map(
    ({ dependent, on, via }: Relation) => `${dependent} ${via.kind} ${on}`,
  );
}

test('a FUSE mount depends on everything its daemon can write to', () => {
  const daemon = { ...process, connections: ['0:55'], writesTo: ['8:1', '8:17'] };
  assert.equal(pairs([daemon]), ['0:55 fuse 8:1', '0:55 fuse 8:17']);
});

test('without connection numbers a FUSE daemon counts for every FUSE mount', () => {
  const daemon = { ...process, connections: [undefined], writesTo: ['8:1'] };
  assert.equal(pairs([daemon]), ['0:55 fuse 8:1', '0:56 fuse 8:1']);
});

test('where the kernel numbers connections, one without a number serves nothing', () => {
  const numbered = { ...process, connections: ['0:56'], writesTo: ['8:17'] };
  const unconnected = { ...process, connections: [undefined], writesTo: ['8:1'] };
  assert.equal(pairs([numbered, unconnected]), ['0:56 fuse 8:17']);
});

test('what a permission daemon is asked about depends on everything it can write to, itself included', () => {
  const daemon = {
    ...process,
    permissionGroups: [
      { descriptor: 4, watches: ['8:1', '8:17'] },
      { descriptor: 9, watches: ['8:17'] },
    ],
    writesTo: ['8:1'],
  };
  assert.equal(pairs([daemon]), ['8:1 fanotify 8:1', '8:17 fanotify 8:1']);
});

test('a relation names the process', () => {
  const daemon = { ...process, connections: ['0:55'], writesTo: ['8:1'] };
  assert.equal(daemonRelations([daemon], mounts)[0]?.via, {
    kind: 'fuse',
    pid: 812,
    command: 'sshfs',
  });
});

test('a daemon that writes nowhere relates nothing', () => {
  const groups = [{ descriptor: 4, watches: ['8:1'] }];
  assert.equal(
    pairs([{ ...process, connections: ['0:55'], permissionGroups: groups, writesTo: [] }]),
    [],
  );
});

test.run();
