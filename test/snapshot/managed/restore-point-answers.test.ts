import * as assert from 'uvu/assert';
import type { RawAnswer } from '../../../src/snapshot/http/attempt.ts';
import { parseArmId } from '../../../src/snapshot/managed/arm-id.ts';
import { diskErrorCode } from '../../../src/snapshot/managed/disk-failures.ts';
import {
  answerOfPoint,
  answersByDisk,
} from '../../../src/snapshot/managed/restore-point-answer.ts';
import {
  failureOfPointOperation,
  pointFailureOfEnd,
} from '../../../src/snapshot/managed/restore-point-failures.ts';
import {
  collectionProblem,
  type PointResource,
  readCollection,
  readPoint,
  strangeBecause,
} from '../../../src/snapshot/managed/restore-point-resource.ts';
import type { SnapshotAnswer } from '../../../src/snapshot/snapshot-types.ts';
import { suite } from '../../suite.ts';

const test = suite('restore points: what is answered');
const GROUP = '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g';
const COMPUTE = `${GROUP}/providers/Microsoft.Compute`;
const VM = `${COMPUTE}/virtualMachines/vm1`;
const COLLECTION = `${COMPUTE}/restorePointCollections/daily`;
const POINT = `${COLLECTION}/restorePoints/p`;
const NOW = Date.parse('2026-11-29T12:00:00Z');
const ORIGIN = 'https://management.azure.com';
const body = (value: unknown): Buffer[] => [Buffer.from(JSON.stringify(value))];

interface Made {
  readonly minutesAgo: number;
  readonly mode?: string;
  readonly state?: string;
}

function collection(made: readonly Made[], source = VM): Buffer[] {
  const restorePoints = made.map(({ minutesAgo, mode = 'CrashConsistent', state }, index) => ({
    name: `p${index}`,
    properties: {
      provisioningState: state ?? 'Succeeded',
      consistencyMode: mode,
      timeCreated: new Date(NOW - minutesAgo * 60_000).toISOString().replace('Z', '0000+00:00'),
    },
  }));
  return body({ properties: { source: { id: source }, restorePoints } });
}

test('limits that a collection shows are said before the freeze', () => {
  const minutes = (...list: number[]): Made[] => list.map((minutesAgo) => ({ minutesAgo }));
  const table: [body: Buffer[], problem: RegExp | undefined][] = [
    [collection([]), undefined],
    [collection(minutes(1, 30)), undefined],
    [collection(minutes(1, 30, 61, 90)), undefined],
    [collection(minutes(59, 30, 1)), /3 restore points .*try again after 2026-11-29T12:01:00/],
    [collection(minutes(1, 2, 3, 50)), /4 restore points .*try again after 2026-11-29T12:57:00/],
    [collection([...minutes(1, 2), { minutesAgo: 3, mode: 'ApplicationConsistent' }]), undefined],
    [collection([{ minutesAgo: 0, state: 'Creating' }]), /p0 of this VM is being created/],
    [collection(Array.from({ length: 500 }, () => ({ minutesAgo: 999 }))), /keeps 500/],
    [collection([], `${VM}2`), /is of .*vm12, not of this VM/],
    [collection([], VM.toUpperCase()), undefined],
    [body({ properties: {} }), /of an unknown VM/],
  ];
  for (const [text, problem] of table) {
    const read = readCollection(text);
    const said = read && collectionProblem(read, COLLECTION, VM, NOW);
    if (problem === undefined) {
      assert.is(said, undefined);
    } else {
      assert.match(said ?? '', problem);
    }
  }
  assert.is(readCollection(body({})), undefined);
  assert.is(readCollection([Buffer.from('<html>')]), undefined);
});

function answer(httpStatus: number, error?: object): RawAnswer {
  return {
    ...{ httpStatus, headers: { 'x-ms-request-id': 'r-1' }, rawHeaders: [], receivedNs: 0n },
    body: error === undefined ? [] : body({ error }),
  };
}

const denied = (action: string, scope: string): string =>
  `The client 'x' with object id 'x' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid.`;

test('refusals are classified, with the action and the scope that the service names', () => {
  const table: [status: number, error: object | undefined, code: string, says: RegExp][] = [
    [403, { code: 'AuthorizationFailed', message: 'no' }, 'FF_DISK_REFUSED', /lacks act on \/sc:/],
    [
      ...[403, { code: 'AuthorizationFailed', message: denied('Microsoft.Compute/x/read', VM) }],
      ...['FF_DISK_REFUSED', /lacks Microsoft.Compute\/x\/read on .*vm1:/],
    ] as [number, object, string, RegExp],
    [403, { code: 'RequestDisallowedByPolicy', message: 'p' }, 'FF_DISK_REFUSED', /Azure Policy/],
    [409, { code: 'ScopeLocked', message: 'l' }, 'FF_DISK_REFUSED', /read-only lock/],
    [409, { code: 'Conflict', message: 'busy' }, 'FF_DISK_REFUSED', /one restore point .*“busy”/],
    [404, { code: 'ResourceGroupNotFound' }, 'FF_DISK_NOT_FOUND', /check --resource-group/],
    [404, { code: 'ResourceNotFound' }, 'FF_DISK_NOT_FOUND', /\/sc does not exist/],
    [401, undefined, 'FF_IDENTITY_UNUSABLE', /token of the VM's identity/],
    [429, undefined, 'FF_DISK_UNREACHABLE', /too many requests/],
    [500, undefined, 'FF_DISK_UNREACHABLE', /failing or busy/],
    [400, { code: 'InvalidParameter', message: 'b' }, 'FF_DISK_REFUSED', /refuses .*“b”/],
  ];
  for (const [status, error, code, says] of table) {
    const failure = pointFailureOfEnd(
      { kind: 'succeeded', answer: answer(status, error) },
      ORIGIN,
      {
        ...{ action: 'act', scope: '/sc' },
      },
    );
    assert.match(failure.message, says);
    assert.is(diskErrorCode(failure), code, failure.message);
    assert.is(failure.requestId, 'r-1');
  }
  const gateway = { ...answer(403), headers: {} };
  const purpose = { action: 'act', scope: '/sc' };
  assert.is(
    pointFailureOfEnd({ kind: 'succeeded', answer: gateway }, ORIGIN, purpose).kind,
    'protocol',
  );
  const failed = failureOfPointOperation(
    { code: 'VMRestorePointInternalError', message: 'm' },
    ORIGIN,
    answer(201),
  );
  assert.match(failed.message, 'ended with VMRestorePointInternalError “m”');
});

const DISKS = ['os', 'data0', 'data1'].map((name, index) => ({
  id: parseArmId(`${COMPUTE}/disks/${name}`, 'disks') ?? assert.unreachable(),
  disk: {
    ...{ name, lun: index - 1, kind: 'data' as const, id: undefined, sku: '' },
    ...{ isEphemeral: false, isShared: false, isUnmanaged: false },
  },
}));

const WHOLE: SnapshotAnswer = {
  ...{ target: 0, attempts: 1, firedNs: 1n, acknowledgedNs: 2n, httpStatus: 201 },
  ...{ snapshot: POINT, requestId: 'r', failure: undefined, mayHaveOrphan: false },
};

test('the point is split into its disks, and a disk that is not in it has failed', () => {
  const part = (name: string): object => ({
    managedDisk: { id: `${COMPUTE}/disks/${name}`.toUpperCase() },
    diskRestorePoint: { id: `${POINT}/diskRestorePoints/${name}_1` },
  });
  const point = readPoint(
    body({
      properties: {
        ...{ provisioningState: 'Succeeded', consistencyMode: 'CrashConsistent' },
        timeCreated: '2026-11-29T12:00:00.1234567+00:00',
        sourceMetadata: {
          storageProfile: { osDisk: part('os'), dataDisks: [part('data0'), { lun: 9 }] },
        },
      },
    }),
  );
  if (point === undefined) {
    assert.unreachable();
    return;
  }
  const chosen = DISKS.flatMap(({ id, disk }) => (id ? [{ id, disk }] : []));
  const answers = answersByDisk(WHOLE, { kind: 'found', point }, chosen);
  assert.equal(
    answers.map(({ disk, snapshot }) => [disk?.lun, snapshot]),
    [
      [-1, `${POINT}/diskRestorePoints/os_1`],
      [0, `${POINT}/diskRestorePoints/data0_1`],
      [1, undefined],
    ],
  );
  assert.match(answers[2]?.failure?.message ?? '', 'does not contain this disk');
  assert.equal(answersByDisk(WHOLE, { kind: 'unknown' }, chosen), [WHOLE]);
});

test('an old point, or one of another mode, is not the one that was requested', () => {
  const timeCreated = '2026-11-29T12:00:00.1234567+00:00';
  const table: [mode: string, requestedMs: number | undefined, because: RegExp | undefined][] = [
    ['CrashConsistent', NOW - 1_000, undefined],
    ['crashconsistent', undefined, undefined],
    ['CrashConsistent', NOW + 60_000, /older than the request/],
    ['ApplicationConsistent', NOW, /has the mode ApplicationConsistent/],
    ['', NOW, /has the mode \(none\)/],
  ];
  for (const [consistencyMode, requestedMs, because] of table) {
    const said = strangeBecause({ consistencyMode, timeCreated }, requestedMs);
    if (because === undefined) {
      assert.is(said, undefined);
    } else {
      assert.match(said ?? '', because);
    }
  }
});

test('a point that says itself that it has failed is none, and is deleted; one that may come to exist is named', () => {
  const put = { attempts: 1, firedNs: 1n, end: undefined, trouble: undefined };
  const request = { put, end: { kind: 'succeeded' }, endedNs: 2n, accepted: undefined };
  const requested = { origin: ORIGIN, point: POINT, requestedMs: undefined };
  const point: PointResource = {
    ...{ provisioningState: 'Failed', consistencyMode: 'CrashConsistent', timeCreated: '' },
    disks: [],
  };
  const ended = { ...request, mayHaveSnapshot: true } as unknown as Parameters<
    typeof answerOfPoint
  >[0];
  const failed = answerOfPoint(ended, { kind: 'found', point }, requested);
  assert.equal([failed.snapshot, failed.surplus], [undefined, [POINT]]);
  assert.match(failed.failure?.message ?? '', /but the state of .* is Failed/);
  const late = { ...ended, end: { kind: 'cut', reason: 'timeout' } } as typeof ended;
  const absent = answerOfPoint(late, { kind: 'absent' }, requested);
  assert.equal([absent.mayHaveOrphan, absent.orphan], [true, POINT]);
});

test.run();
