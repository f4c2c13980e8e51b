import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import {
  RESTORE_OF_POINT_ACTIONS,
  RESTORE_POINT_ACTIONS,
  restoreRole,
  roleCommands,
  snapshotRole,
} from '../../../src/snapshot/managed/role.ts';
import { identityIn } from '../../../src/snapshot/managed/token-identity.ts';
import { suite } from '../../suite.ts';

const test = suite('role for snapshots of managed disks');
const PAGE = readFileSync(join(import.meta.dirname, '../../../src/docs/managed-disks.md'), 'utf8');
const GROUP = '/subscriptions/<subscription>/resourceGroups/my-group';

/** The first JSON block below a heading. */
function jsonBelow(heading: string): unknown {
  const [, section = ''] = PAGE.split(`\n${heading}\n`);
  return JSON.parse(/```json\n(.*?)```/s.exec(section)?.[1] ?? 'null');
}

test('the role in the page is the one that doctor prints', () => {
  assert.equal(jsonBelow('### The role'), snapshotRole(['<subscription>']));
  assert.equal(jsonBelow('## VM restore points'), RESTORE_POINT_ACTIONS);
  assert.equal(jsonBelow('### The role for restoring'), restoreRole(['<subscription>']));
  assert.equal(
    jsonBelow('### From restore points of the VM'),
    Object.values(RESTORE_OF_POINT_ACTIONS),
  );
});

test('so are the lines that create and assign it', () => {
  const vm = { name: 'my-vm', group: 'my-group' };
  const commands = roleCommands({
    ...{ vm, principalId: undefined, needsIdentity: true, scopes: [GROUP] },
  });
  const [identity = '', ...rest] = commands;
  const lines = PAGE.split('\n').map((line) => line.trim());
  assert.ok(rest.length === 2 && rest.every((line) => lines.includes(line)), rest.join('\n'));
  assert.ok(lines.includes(identity.replaceAll("'", '')), identity);
});

test('a name that a shell would not take as one word is quoted', () => {
  const vm = { name: 'vm', group: 'a (b)' };
  const scopes = ['/subscriptions/s/resourceGroups/a (b)'];
  const commands = roleCommands({ vm, principalId: 'p', needsIdentity: true, scopes });
  assert.match(commands[0] ?? '', "--resource-group 'a (b)'");
  assert.match(commands[2] ?? '', '--assignee-object-id p --assignee-principal-type');
  assert.match(commands[2] ?? '', "--scope '/subscriptions/s/resourceGroups/a (b)'");
});

const ID = '12345678-1234-1234-1234-1234567890ab';

function token(claims: object | string): string {
  const text = typeof claims === 'string' ? claims : JSON.stringify(claims);
  return `x.${Buffer.from(text).toString('base64url')}.y`;
}

test('a token says whose it is, and one that does not is no error', () => {
  const user =
    '/subscriptions/s/resourcegroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u';
  const system = '/subscriptions/s/resourcegroups/g/providers/Microsoft.Compute/virtualMachines/v';
  const table: [text: string, clientId: string | undefined, kind: string | undefined][] = [
    [token({ appid: ID, oid: ID, xms_mirid: user }), ID, 'user-assigned'],
    [token({ appid: ID, oid: ID, xms_mirid: system }), ID, 'system-assigned'],
    [token({ appid: ID, oid: ID }), ID, undefined],
    [token({ appid: `${ID}; rm -rf`, oid: 7, xms_mirid: 7 }), undefined, undefined],
    [token('[]'), undefined, undefined],
    [token('no JSON'), undefined, undefined],
    ['opaque', undefined, undefined],
  ];
  for (const [text, clientId, kind] of table) {
    assert.equal(identityIn(text), { clientId, principalId: clientId, kind }, text);
  }
});

test.run();
