import * as assert from 'uvu/assert';
import { LabDisks } from '../../../src/lab/disks.ts';
import type { ManagedLab } from '../../../src/lab/managed/managed-lab.ts';
import type { ErrorFault, ManagedDisk } from '../../../src/lab/managed/model.ts';
import { type ManagedLabOptions, userIdentity } from '../../../src/lab/managed/options.ts';
import { enterLab } from '../../../src/lab/namespace.ts';
import { flashfreeze } from '../../commands/command-line.ts';
import { suite } from '../../suite.ts';
import { ManagedScene } from './fixtures/scene.ts';

await enterLab({ lifetimeSeconds: 900 });

const test = suite('flashfreeze snapshot --managed, if something is wrong');
/** Of all cases: what one of them left frozen would be another's failure. They end with the lab. */
const DISKS = await LabDisks.create([{ type: 'ext4' }, { type: 'ext4' }]);
const SUBSCRIPTION = '/subscriptions/11111111-2222-3333-4444-555555555555';
const QUICK = { retryAfterSeconds: undefined, durationMs: 100 } as const;

interface Case {
  readonly name: string;
  readonly options?: Partial<ManagedLabOptions>;
  readonly ofDisks?: readonly Partial<ManagedDisk>[];
  readonly arrange?: (lab: ManagedLab) => Promise<unknown>;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly exitCode: number;
  readonly says: RegExp;
  /** Requests for snapshots that arrive; default: none, because nothing is frozen. */
  readonly puts?: number;
  /** What is scarce comes back within 0.3 s: a run on a busy machine may look at it too late to see that. */
  readonly isFleeting?: true;
}

const error = (status: number, code: string, rest: Partial<ErrorFault> = {}): ErrorFault => ({
  ...{ kind: 'error', status, code, message: `told by the lab: ${code}` },
  ...rest,
});
const deny = (action: string) => (lab: ManagedLab) => lab.deny(`Microsoft.Compute/${action}`);
const nothingFrozen = { exitCode: 2 } as const;
/** The rights of an identity that may not read its own rights, nor locks: only the requests themselves show them. */
const blind = (lab: ManagedLab, action: string): Promise<unknown> =>
  Promise.all([
    lab.deny('Microsoft.Authorization/permissions/read'),
    lab.deny('Microsoft.Authorization/locks/read'),
    lab.deny(`Microsoft.Compute/${action}`),
  ]);

/** Found before anything is frozen. */
const BEFORE: readonly Case[] = [
  {
    name: 'the metadata service is not there',
    arrange: (lab) => lab.stop('metadata'),
    ...nothingFrozen,
    says: /169\.254\.169\.254 does not answer \(ECONNREFUSED\).*FF_METADATA_UNREACHABLE/s,
  },
  {
    name: 'metadata without sense',
    arrange: (lab) =>
      lab.setFault({ call: 'compute', fault: { kind: 'answer', status: 200, body: '{"a":1}' } }),
    ...nothingFrozen,
    says: /FF_METADATA_INVALID/,
  },
  {
    name: 'no identity',
    arrange: (lab) => lab.setIdentities([]),
    ...nothingFrozen,
    says: /az vm identity assign.*FF_IDENTITY_UNUSABLE/s,
  },
  {
    name: 'two identities and none chosen',
    arrange: (lab) => lab.setIdentities([userIdentity('a'), userIdentity('b')]),
    ...nothingFrozen,
    says: /--identity <client id>.*FF_IDENTITY_UNUSABLE/s,
  },
  {
    name: 'an identity that the VM does not have',
    args: ['--identity', '12345678-1234-1234-1234-1234567890ab'],
    ...nothingFrozen,
    says: /not 12345678-.*az vm identity show.*FF_IDENTITY_UNUSABLE/s,
  },
  {
    name: 'a token that does not live until the end of the run',
    options: { tokenLifetimeSeconds: 100 },
    ...nothingFrozen,
    says: /expires at .* but the run needs it until .*FF_IDENTITY_UNUSABLE/s,
  },
  {
    name: 'no right to read the disk',
    arrange: deny('disks/read'),
    ...nothingFrozen,
    says: /2 of 2 managed disks.*lacks Microsoft\.Compute\/disks\/read on \/subscriptions.*disk0: assign a role.*FF_DISK_REFUSED/s,
  },
  {
    name: 'no right to read snapshots',
    arrange: deny('snapshots/read'),
    ...nothingFrozen,
    says: /lacks Microsoft\.Compute\/snapshots\/read on .*FF_DISK_REFUSED/s,
  },
  {
    name: 'no right to write snapshots',
    arrange: deny('snapshots/write'),
    ...nothingFrozen,
    says: /lacks Microsoft\.Compute\/snapshots\/write on .*resourceGroups\/lab-group: assign.*FF_DISK_REFUSED/s,
  },
  {
    name: 'no right to the data of the disk',
    arrange: deny('disks/beginGetAccess/action'),
    ...nothingFrozen,
    says: /lacks Microsoft\.Compute\/disks\/beginGetAccess\/action on .*disk0: assign/s,
  },
  {
    name: 'a read-only lock',
    options: { locks: [{ name: 'keep', level: 'ReadOnly', scope: SUBSCRIPTION }] },
    ...nothingFrozen,
    says: /read-only lock .*locks\/keep.*--resource-group.*FF_DISK_REFUSED/s,
  },
  {
    name: 'a resource group that does not exist',
    args: ['--resource-group', 'nowhere'],
    ...nothingFrozen,
    says: /nowhere.*FF_DISK_(?:REFUSED|NOT_FOUND)/s,
  },
  {
    name: 'a disk that is gone',
    ofDisks: [{}, { missing: true }],
    ...nothingFrozen,
    says: /1 of 2 managed disks.*disk1.*does not exist.*FF_DISK_NOT_FOUND/s,
  },
  {
    name: 'a shared disk',
    ofDisks: [{}, { maxShares: 2, sku: 'Premium_LRS' }],
    ...nothingFrozen,
    says: /up to 2 VMs share this disk.*--exclude-lun/s,
  },
  {
    name: 'an ephemeral OS disk only',
    ofDisks: [{ ephemeral: true }],
    args: ['--include-lun', 'os'],
    ...nothingFrozen,
    says: /ephemeral OS disk.*FF_DISK_UNSUPPORTED/s,
  },
  {
    name: 'a LUN that no disk has',
    args: ['--include-lun', '17'],
    ...nothingFrozen,
    says: /no disk with LUN 17; expected one of os, 0.*FF_USAGE/s,
  },
  {
    name: 'a resource manager that is down',
    arrange: (lab) => lab.stop('arm'),
    ...nothingFrozen,
    says: /management\.azure\.com: refuses the connection.*FF_DISK_UNREACHABLE/s,
  },
  {
    name: 'a resource manager with a certificate that nothing trusts',
    arrange: (lab) => lab.setFault({ call: 'connection', fault: { kind: 'tls-untrusted' } }),
    ...nothingFrozen,
    says: /TLS failed.*FF_DISK_UNREACHABLE/s,
  },
  {
    name: 'a gateway that answers in place of the resource manager',
    arrange: (lab) =>
      lab.setFault({
        call: 'any-resource',
        fault: { kind: 'answer', status: 200, body: '<html>' },
      }),
    ...nothingFrozen,
    says: /FF_DISK_UNREACHABLE/,
  },
  {
    name: 'requests that are throttled before the freeze',
    arrange: (lab) =>
      lab.setFault({
        call: 'get-disk',
        fault: error(429, 'SubscriptionRequestsThrottled', { retryAfterSeconds: 303 }),
      }),
    ...nothingFrozen,
    says: /not before 303 s have passed.*too many requests.*FF_DISK_UNREACHABLE/s,
  },
  {
    name: 'fewer writes left than there are disks',
    arrange: (lab) => tellRates(lab, { 'x-ms-ratelimit-remaining-subscription-writes': '0' }),
    ...nothingFrozen,
    isFleeting: true,
    says: /only \d more writes now, but 2 snapshots need 2: try again in 1 s\. Nothing was frozen.*FF_DISK_UNREACHABLE/s,
  },
  {
    name: 'fewer snapshots left than there are disks, as the compute service says',
    arrange: (lab) =>
      tellRates(lab, {
        'x-ms-ratelimit-remaining-resource':
          'Microsoft.Compute/HighCostSnapshotCreateHydrate3Min;1',
      }),
    ...nothingFrozen,
    says: /only 1 more snapshots now \(HighCost.*\), but 2 are needed: try again in 3 minutes/s,
  },
];

/** Shows only when the snapshots are requested: everything is thawed at once, and the message says what to do. */
const WITHIN: readonly Case[] = [
  {
    name: 'no right to write snapshots, which shows only then',
    arrange: (lab) => blind(lab, 'snapshots/write'),
    ...{ exitCode: 1, puts: 2 },
    says: /lacks Microsoft\.Compute\/snapshots\/write on .*: assign a role/s,
  },
  {
    name: 'no right to the data of the disk, which shows only then',
    arrange: (lab) => blind(lab, 'disks/beginGetAccess/action'),
    ...{ exitCode: 1, puts: 2 },
    says: /lacks Microsoft\.Compute\/disks\/beginGetAccess\/action on .*disk0/s,
  },
  {
    name: 'a policy',
    options: { policies: [{ name: 'p', scope: '/', missingTag: 'owner' }] },
    ...{ exitCode: 1, puts: 2 },
    says: /Azure Policy does not permit the snapshot/,
  },
  {
    name: 'a read-only lock that shows only then',
    options: { locks: [{ name: 'l', level: 'ReadOnly', scope: SUBSCRIPTION }] },
    arrange: (lab) => lab.deny('Microsoft.Authorization/locks/read'),
    ...{ exitCode: 1, puts: 2 },
    says: /read-only lock/,
  },
  {
    name: 'one disk of two refused',
    arrange: (lab) =>
      lab.setFault({
        ...{ call: 'put-snapshot', disk: 'disk1' },
        fault: error(409, 'Conflict', { shape: 'bare' }),
      }),
    ...{ exitCode: 1, puts: 2 },
    says: /disk1.*HTTP 409 Conflict.*told by the lab/s,
  },
  {
    name: 'throttled for longer than there is patience',
    arrange: (lab) =>
      lab.setFault({
        call: 'put-snapshot',
        fault: error(429, 'TooManyRequests', { retryAfterSeconds: 1_200 }),
      }),
    ...{ exitCode: 1, puts: 2 },
    says: /next try was due after 1200\.0 s/,
  },
  {
    name: 'an operation that fails',
    options: { operation: { ...QUICK, outcome: 'Failed' } },
    ...{ exitCode: 1, puts: 2 },
    says: /ended with InternalExecutionError/,
  },
  {
    name: 'an operation that is canceled',
    options: { operation: { ...QUICK, outcome: 'Canceled' } },
    ...{ exitCode: 1, puts: 2 },
    says: /the operation that takes its snapshot ended with/,
  },
];

/** Answers the questions whether the names are free, before the freeze, with these headers. */
function tellRates(lab: ManagedLab, headers: Readonly<Record<string, string>>): Promise<unknown> {
  const body = JSON.stringify({ error: { code: 'ResourceNotFound', message: 'no' } });
  const fault = {
    kind: 'answer',
    status: 404,
    body,
    headers: { 'x-ms-request-id': 'r', ...headers },
  } as const;
  return lab.setFault({ call: 'get-snapshot', times: 3, fault });
}

/** Survived: every snapshot shows the instant. */
const SURVIVED: readonly Case[] = [
  {
    name: 'the metadata service is updated meanwhile',
    arrange: (lab) => lab.setFault({ call: 'compute', fault: error(410, 'Gone'), times: 1 }),
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'a token that comes late, after two refusals',
    arrange: (lab) =>
      lab.setFault({ call: 'token', fault: error(429, 'Too many requests'), times: 2 }),
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'a user-assigned identity that is chosen',
    options: { identities: [userIdentity('a'), userIdentity('b')] },
    args: ['<first identity>'],
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'proxies in the environment, of which metadata never uses one',
    env: ['HTTP_PROXY=http://127.0.0.1:9', 'NODE_USE_ENV_PROXY=1'],
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'another cloud',
    options: { vm: { environment: 'AzureChinaCloud' } },
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'a busy service and a short throttle',
    arrange: async (lab) => {
      await lab.setFault({ call: 'put-snapshot', fault: error(503, 'ServerBusy'), times: 1 });
      const throttle = error(429, 'TooManyRequests', { retryAfterSeconds: 1 });
      await lab.setFault({ call: 'poll-operation', fault: throttle, times: 2 });
    },
    ...{ exitCode: 0, puts: 3 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'no right to read operations: the snapshots are asked',
    arrange: deny('locations/DiskOperations/read'),
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'neither URL in the answer',
    options: { operation: { ...QUICK, headers: 'none' } },
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'only a Location',
    options: { operation: { ...QUICK, headers: 'location-only' } },
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'URLs of another server, to which no token goes',
    options: { operation: { ...QUICK, urlBase: 'https://127.0.0.1:9' } },
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'success at once',
    options: { operation: { ...QUICK, headers: 'at-once' } },
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'times with an offset, and a clock that is a little ahead',
    options: { utcOffset: '-04:00', clockSkewMs: 3_000 },
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'an answer that is lost after the snapshot was taken: its repetition adopts it',
    arrange: (lab) =>
      lab.setFault({
        ...{ call: 'put-snapshot', disk: 'disk0', times: 1 },
        fault: { kind: 'reset', handled: true },
      }),
    ...{ exitCode: 0, puts: 3 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'an answer that never comes: the second request adopts the snapshot',
    arrange: (lab) =>
      lab.setFault({
        ...{ call: 'put-snapshot', disk: 'disk0', times: 1 },
        fault: { kind: 'no-answer', handled: true },
      }),
    ...{ exitCode: 0, puts: 3 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'questions that are answered with a reset and half an answer',
    arrange: async (lab) => {
      for (const fault of [
        { kind: 'reset', handled: false },
        { kind: 'half-answer', handled: true, ending: 'close' },
      ] as const) {
        await lab.setFault({ call: 'poll-operation', times: 1, fault });
      }
    },
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'a token that is refused before the freeze: a new one is fetched',
    arrange: (lab) =>
      lab.setFault({
        ...{ call: 'get-disk', times: 1 },
        fault: error(401, 'ExpiredAuthenticationToken'),
      }),
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'group names in upper case',
    options: { vm: { shoutsGroups: true } },
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
  {
    name: 'data that is still copied afterwards',
    ofDisks: [{}, { sku: 'PremiumV2_LRS' }],
    options: { backgroundCopyMs: 60_000 },
    ...{ exitCode: 0, puts: 2 },
    says: /still copies the data of the snapshot in the background \(\d+ %/,
  },
  {
    name: 'few reads left: a warning',
    arrange: (lab) => tellRates(lab, { 'x-ms-ratelimit-remaining-subscription-reads': '0' }),
    ...{ exitCode: 0, puts: 2 },
    isFleeting: true,
    says: /only \d more reads now, and 2 disks need about 6/,
  },
  {
    name: 'a connection that ends after every answer',
    arrange: (lab) => lab.setFault({ call: 'any-resource', fault: { kind: 'close-after' } }),
    ...{ exitCode: 0, puts: 2 },
    says: /fileSystemConsistent/,
  },
];

/** How often what is fleeting is looked for at most. */
const TRIES = 10;

for (const it of [...BEFORE, ...WITHIN, ...SURVIVED]) {
  test(it.name, async () => {
    let played = await play(it);
    for (let n = 1; it.isFleeting && n < TRIES && !it.says.test(played.text); n += 1) {
      played = await play(it);
    }
    const { text, exitCode, puts, violations } = played;
    assert.match(text, it.says);
    assert.is(exitCode, it.exitCode, text);
    assert.not.match(text, /eyJ|Bearer (?!REDACTED)/);
    assert.is(puts, it.puts ?? 0, text);
    assert.equal(violations, []);
  });
}

async function play(it: Case) {
  await using scene = await ManagedScene.on(DISKS, { operation: QUICK, ...it.options }, it.ofDisks);
  await it.arrange?.(scene.lab);
  const args = (it.args ?? []).flatMap((word) =>
    word === '<first identity>' ? ['--identity', scene.lab.identities[0]?.clientId ?? ''] : word,
  );
  const { stdout, stderr, exitCode } = await flashfreeze(['snapshot', '--managed', ...args], {
    under: ['env', ...(it.env ?? [])],
  });
  const puts = (await scene.lab.requests()).filter(({ call }) => call === 'put-snapshot').length;
  return {
    text: `${stdout}${stderr}`,
    ...{ exitCode, puts, violations: await scene.lab.violations() },
  };
}

test.run();
