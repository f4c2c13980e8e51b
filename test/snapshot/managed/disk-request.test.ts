import * as assert from 'uvu/assert';
import { answerOfDisk, type Inquiry } from '../../../src/snapshot/managed/disk-answer.ts';
import { DiskRequest } from '../../../src/snapshot/managed/disk-request.ts';
import type { SnapshotAnswer } from '../../../src/snapshot/snapshot-types.ts';
import { deadlineIn } from '../../../src/system/stamps.ts';
import { suite } from '../../suite.ts';
import { ScriptedConnection, type Step } from './fixtures/scripted-connection.ts';

const test = suite('request for the snapshot of a managed disk');
const ORIGIN = 'https://management.azure.com';
const PUT = 'PUT /snapshot';
const GET = 'GET /snapshot';
const OPERATION = 'GET /operation';
const LOCATION = 'GET /location';
const ACCEPTED: Step = {
  status: 202,
  headers: {
    'azure-asyncoperation': `${ORIGIN}/operation`,
    location: `${ORIGIN}/location`,
    'retry-after': '0',
  },
};
const status = (word: string): Step => ({
  status: 200,
  body: { status: word },
  headers: { 'retry-after': '0' },
});
const state = (word: string): Step => ({
  status: 200,
  body: { properties: { provisioningState: word } },
  headers: { 'retry-after': '0' },
});

interface Played {
  readonly sent: readonly string[];
  readonly events: readonly string[];
  readonly end: DiskRequest['end'];
  readonly answer: SnapshotAnswer;
}

async function play(
  script: Readonly<Record<string, readonly Step[]>>,
  limitMs = 2_000,
  pollMs = 5,
  inquiry: Inquiry = { kind: 'unknown' },
): Promise<Played> {
  const connection = new ScriptedConnection(script);
  const events: string[] = [];
  const request = new DiskRequest({
    target: 0,
    origin: ORIGIN,
    connection,
    openAnother: () => connection,
    listener: {
      ended: (_target, succeeded) => events.push(succeeded ? 'acknowledged' : 'failed'),
    },
    put: { method: 'PUT', path: '/snapshot', headers: [], body: Buffer.from('{}') },
    get: { method: 'GET', path: '/snapshot', headers: [] },
    pollRequest: (path) => ({ method: 'GET', path, headers: [] }),
    pollMs,
    inquire: async (ended) =>
      answerOfDisk(ended, inquiry, {
        ...{ target: 0, origin: ORIGIN, snapshot: 'the-snapshot', disk: 'the-disk' },
        purpose: { action: 'Microsoft.Compute/snapshots/write', scope: 'the-scope', disk: 'd' },
        requestedMs: undefined,
      }),
  });
  request.start(deadlineIn(limitMs));
  const timer = setTimeout(() => request.cut('timeout'), limitMs);
  const answer = await request.answer();
  clearTimeout(timer);
  return { sent: connection.sent, events, end: request.end, answer };
}

test('it is acknowledged when the operation says Succeeded, and not before', async () => {
  const { sent, events, answer } = await play({
    [PUT]: [ACCEPTED],
    [OPERATION]: [status('InProgress'), status('Copying'), status('Succeeded')],
  });
  assert.equal(sent, [PUT, OPERATION, OPERATION, OPERATION]);
  assert.equal(events, ['acknowledged']);
  assert.equal([answer.snapshot, answer.failure, answer.attempts], ['the-snapshot', undefined, 1]);
  assert.ok(answer.acknowledgedNs !== undefined);
});

const found = (provisioningState: string): Inquiry => ({
  kind: 'found',
  snapshot: {
    ...{ provisioningState, timeCreated: '', source: 'the-disk' },
    ...{ completionPercent: undefined, accessState: undefined },
  },
});

test('if the snapshot itself says that it has failed, that counts, and it is deleted', async () => {
  const script = { [PUT]: [ACCEPTED], [OPERATION]: [status('Succeeded')] };
  for (const word of ['Failed', 'canceled', 'Cancelled']) {
    const { answer } = await play(script, 2_000, 5, found(word));
    assert.is(answer.snapshot, undefined);
    assert.match(answer.failure?.message ?? '', `but the state of the-snapshot is ${word}`);
    assert.equal(answer.surplus, ['the-snapshot']);
  }
  const { answer } = await play(script, 2_000, 5, found('Succeeded'));
  assert.equal([answer.snapshot, answer.surplus], ['the-snapshot', []]);
});

test('what may still come to exist is named, also if the service does not have it yet', async () => {
  const script = { [PUT]: [ACCEPTED], [OPERATION]: [status('InProgress')] };
  for (const kind of ['absent', 'unknown'] as const) {
    const { answer } = await play(script, 100, 5, { kind });
    assert.is(answer.snapshot, undefined);
    assert.equal([answer.mayHaveOrphan, answer.orphan], [true, 'the-snapshot']);
  }
});

test('an operation that fails or is canceled gives its reason', async () => {
  for (const word of ['Failed', 'Canceled']) {
    const error = { code: 'DiskBusy', message: 'the disk is busy' };
    const { events, answer } = await play({
      [PUT]: [ACCEPTED],
      [OPERATION]: [{ status: 200, body: { status: word, error } }],
    });
    assert.equal(events, ['failed']);
    assert.is(answer.snapshot, undefined);
    assert.match(answer.failure?.message ?? '', 'DiskBusy “the disk is busy”');
    assert.is(answer.failure?.serviceCode, 'DiskBusy');
  }
});

test('if the operation cannot be read, the Location and then the snapshot say it', async () => {
  for (const refusal of [401, 403, 404, 400]) {
    const { sent, events } = await play({
      [PUT]: [ACCEPTED],
      [OPERATION]: [{ status: refusal }],
      [LOCATION]: [{ status: refusal }],
      [GET]: [state('Updating'), state('Succeeded')],
    });
    assert.equal(sent, [PUT, OPERATION, LOCATION, GET, GET], `${refusal}`);
    assert.equal(events, ['acknowledged']);
  }
});

test('without URLs, or with those of another server, the snapshot is asked', async () => {
  const elsewhere = { 'azure-asyncoperation': 'https://evil.example/operation' };
  for (const headers of [{}, elsewhere]) {
    const { sent, events } = await play({
      [PUT]: [{ status: 202, headers }],
      [GET]: [{ status: 404 }, state('Updating'), state('Succeeded')],
    });
    assert.equal(sent, [PUT, GET, GET, GET]);
    assert.equal(events, ['acknowledged']);
  }
});

test('a success at once needs no further question', async () => {
  const { sent, events } = await play({ [PUT]: [state('Succeeded')] });
  assert.equal(sent, [PUT]);
  assert.equal(events, ['acknowledged']);
});

test('busy answers and lost connections are tried again, also for the questions', async () => {
  const { sent, events, answer } = await play({
    [PUT]: [{ status: 503 }, { breaks: 'ECONNRESET' }, ACCEPTED],
    [OPERATION]: [{ status: 500 }, { breaks: 'ECONNRESET' }, { status: 429 }, status('Succeeded')],
  });
  assert.is(sent.filter((it) => it === PUT).length, 3);
  assert.is(sent.filter((it) => it === OPERATION).length, 4);
  assert.equal(events, ['acknowledged']);
  assert.is(answer.mayHaveOrphan, false);
});

test('a refusal after a lost answer may be about its own snapshot, which is asked then', async () => {
  const lost: Step = { breaks: 'ECONNRESET' };
  const conflict: Step = { status: 409, body: { error: { code: 'Conflict', message: 'busy' } } };
  const adopted = await play({ [PUT]: [lost, conflict], [GET]: [state('Succeeded')] });
  assert.equal(adopted.events, ['acknowledged']);
  const refused = await play({ [PUT]: [lost, conflict], [GET]: [{ status: 404 }] });
  assert.equal(refused.events, ['failed']);
  assert.match(refused.answer.failure?.message ?? '', 'HTTP 409 Conflict');
  const plain = await play({ [PUT]: [conflict] });
  assert.equal([plain.sent, plain.events], [[PUT], ['failed']]);
  assert.is(plain.answer.mayHaveOrphan, false);
});

test('a pause that does not fit ends the request at once, so that its writers go on', async () => {
  for (const script of [
    { [PUT]: [{ ...(ACCEPTED as object), status: 202, headers: { 'retry-after': '30' } }] },
    { [PUT]: [{ status: 429, headers: { 'retry-after': '1200' } }] },
  ]) {
    const { sent, events, answer } = await play(script, 60_000 / 4);
    assert.is(sent.length, 1);
    assert.equal(events, ['failed']);
    assert.match(answer.failure?.message ?? '', /--patience and --timeout/);
  }
});

test('an operation that never ends is cut at the deadline and may leave a snapshot', async () => {
  const { events, answer } = await play(
    { [PUT]: [ACCEPTED], [OPERATION]: [status('InProgress')] },
    350,
  );
  assert.equal(events, ['failed']);
  assert.match(answer.failure?.message ?? '', 'had not ended in time');
  assert.is(answer.mayHaveOrphan, true);
});

test('refusals name the missing action, its scope and what to do', async () => {
  const error = (code: string): object => ({ error: { code, message: 'text' } });
  const table: [Step, RegExp][] = [
    [
      { status: 403, body: error('AuthorizationFailed') },
      /lacks Microsoft\.Compute\/snapshots\/write on the-scope: assign a role/,
    ],
    [
      { status: 403, body: error('LinkedAuthorizationFailed') },
      /lacks Microsoft\.Compute\/disks\/beginGetAccess\/action on d/,
    ],
    [{ status: 403, body: error('RequestDisallowedByPolicy') }, /Azure Policy.*--tag.*“text”/],
    [{ status: 409, body: error('ScopeLocked') }, /read-only lock.*--resource-group/],
    [{ status: 404, body: error('ResourceGroupNotFound') }, /resource group does not exist/],
    [{ status: 401 }, /token .* was refused/],
    [{ status: 409, body: error('SomethingNew') }, /SomethingNew.*refuses the request.*“text”/],
  ];
  for (const [step, says] of table) {
    const { answer } = await play({ [PUT]: [step] });
    assert.match(answer.failure?.message ?? '', says);
    assert.is(answer.failure?.kind, 'http');
  }
});

test.run();
