import type { ManagedDiskLook, ManagedLook } from '../backup/look-at-managed.ts';
import { limitOfKind } from '../snapshot/managed/disk-limits.ts';
import { neededUntilMs } from '../snapshot/managed/identity-token.ts';
import { groupId } from '../snapshot/managed/prepared-disk.ts';
import { roleCommands, snapshotRole } from '../snapshot/managed/role.ts';
import { type DiskLeftOut, labelOf } from '../snapshot/managed/select-disks.ts';
import { brokenLimit, describeCount } from '../snapshot/managed/snapshot-limits.ts';
import { failed, ok, warning } from './check.ts';
import type {
  Check,
  DoctorReport,
  IdentityFacts,
  ManagedFacts,
  ManagerFacts,
  RightsFacts,
} from './doctor-types.ts';

/** The default of --timeout. */
const USUAL_TIMEOUT_MS = 60_000;
const ROLE_REMEDY =
  'create the role and assign it (both are below); an assignment works after up to 10 minutes';

/** Whether snapshots of managed disks can be taken, in the order in which a run depends on each. Pure. */
export function checkManaged(facts: ManagedFacts, now: Date): Check[] {
  const { metadata, identity, manager, look } = facts;
  return [
    checkMetadata(metadata),
    ...(identity === undefined ? [] : [checkIdentity(identity, now)]),
    ...(manager === undefined ? [] : checkManager(manager)),
    ...(look === undefined || manager === undefined ? [] : checkDisks(look, manager)),
    ...(manager === undefined || manager.problem !== undefined
      ? []
      : [...checkRights(manager.rights), checkLock(manager.lock)]),
  ];
}

function checkMetadata({ instance, problem }: ManagedFacts['metadata']): Check {
  if (problem !== undefined || instance === undefined) {
    return failed('metadata', problem ?? 'unknown', 'read the message');
  }
  const { vm, disks } = instance;
  return ok(
    'metadata',
    `${vm.name} in ${vm.location}, resource group ${vm.group}: ${disks.length} disks`,
  );
}

function checkIdentity(facts: IdentityFacts, now: Date): Check {
  if ('problem' in facts) {
    return failed('identity', facts.problem, 'assign an identity, or choose one with --identity');
  }
  const { clientId, principalId, kind, expires } = facts;
  const who = `${kind ?? 'an'} identity, client id ${clientId ?? 'unknown'}, principal id ${principalId ?? 'unknown'}`;
  return expires.getTime() < neededUntilMs(now.getTime(), undefined, USUAL_TIMEOUT_MS)
    ? warning(
        'identity',
        `${who}: its token expires at ${expires.toISOString()}, before a run could end`,
        'check the clock of the VM, or try again in a few minutes',
      )
    : ok('identity', `${who}: its token expires at ${expires.toISOString()}`);
}

function checkManager({ origin, isProxied, problem, groupProblem }: ManagerFacts): Check[] {
  const way = isProxied ? ' through a proxy' : '';
  if (problem !== undefined) {
    return [
      failed(
        'resource-manager',
        `${problem}${way === '' ? '' : ` (asked${way})`}`,
        'allow https connections to it, or name it in NO_PROXY',
      ),
    ];
  }
  return [
    ok('resource-manager', `${origin} answers${way}`),
    ...(groupProblem === undefined
      ? []
      : [failed('snapshot-group', groupProblem, 'check --resource-group and the role below')]),
  ];
}

function checkDisks(
  { set, disks, warnings }: ManagedLook,
  { disks: states }: ManagerFacts,
): Check[] {
  const told = new Set(set.leftOut.map(sentenceOf));
  return [
    ...disks.map((disk, index) => checkDisk(disk, states[index])),
    ...set.leftOut.map(checkLeftOut),
    ...warnings
      .filter((it) => !told.has(it))
      .map((it) => warning('managed-set', it, 'run flashfreeze plan --managed')),
  ];
}

function checkDisk(
  { disk, device, sizeBytes, problem }: ManagedDiskLook,
  { state = '', count }: Partial<ManagerFacts['disks'][number]> = {},
): Check {
  if (problem !== undefined) {
    return failed('managed-disk', `${labelOf(disk)}: ${problem}`, 'read the message');
  }
  const size = sizeBytes === undefined ? [] : [`${(sizeBytes / 2 ** 20).toFixed(0)} MB`];
  const broken = count === undefined ? undefined : brokenLimit(count, disk);
  if (broken !== undefined) {
    return warning(
      'managed-disk',
      `${labelOf(disk)}: ${broken}`,
      'a request for its snapshot would probably be refused while everything is frozen',
    );
  }
  const counted = count === undefined ? [] : [describeCount(count)];
  const facts = [disk.sku, ...size, state, device?.path ?? 'no known device', ...counted];
  const limit = limitOfKind(disk);
  const told = facts.filter((it) => it !== '').join(', ');
  return ok('managed-disk', `${labelOf(disk)}: ${told}${limit === undefined ? '' : `. ${limit}`}`);
}

function sentenceOf({ disk, because }: DiskLeftOut): string {
  return `no snapshot is taken of ${labelOf(disk)}: ${because}`;
}

function checkLeftOut(leftOut: DiskLeftOut): Check {
  return leftOut.isWanted
    ? ok('managed-disk', sentenceOf(leftOut))
    : warning(
        'managed-disk',
        sentenceOf(leftOut),
        'leave its file systems out (--skip), or accept a set without them (--partial)',
      );
}

function checkRights(rights: readonly RightsFacts[]): Check[] {
  const needed = rights.filter(({ isOptional }) => isOptional !== true);
  const byMissing = Map.groupBy(needed, ({ missing = [] }) => missing.join(', '));
  const lacking = [...byMissing].flatMap(([missing, on]) =>
    missing === ''
      ? []
      : [
          failed(
            'rights',
            `the identity lacks ${missing} on ${on.map(({ scope }) => scope).join(', ')}`,
            ROLE_REMEDY,
          ),
        ],
  );
  if (lacking.length > 0) {
    return lacking;
  }
  const hidden = needed.filter(({ missing }) => missing === undefined);
  if (hidden.length > 0) {
    return [
      warning(
        'rights',
        `the identity may not see its rights on ${hidden.map(({ scope }) => scope).join(', ')}: a missing right to write shows only in a run`,
        'add Microsoft.Authorization/permissions/read to the role, or try a snapshot',
      ),
    ];
  }
  const without = rights.flatMap(({ scope, missing = [], isOptional }) =>
    isOptional === true ? missing.map((it) => `${it} on ${scope}`) : [],
  );
  const rest =
    without.length === 0
      ? ''
      : `; it lacks ${without.join(', ')}, so each snapshot is asked itself how far it is`;
  return [ok('rights', `the identity has every right that snapshots need${rest}`)];
}

function checkLock(lock: ManagerFacts['lock']): Check {
  if (lock?.isHidden === true) {
    return warning(
      'locks',
      'the identity may not see locks: a read-only lock shows only in a run',
      'add Microsoft.Authorization/locks/read to the role, or try a snapshot',
    );
  }
  return lock?.id === undefined
    ? ok('locks', 'no read-only lock on the resource group of the snapshots')
    : failed(
        'locks',
        `the read-only lock ${lock.id} forbids snapshots`,
        'remove it, or choose another --resource-group',
      );
}

/** The role for the VM's identity, and how it is created and assigned; null if the VM is not known. Pure. */
export function setupOf({ metadata, set, identity }: ManagedFacts): DoctorReport['managed'] {
  const { instance } = metadata;
  if (instance === undefined) {
    return null;
  }
  const { vm } = instance;
  const prepared = set?.prepared ?? [];
  const own = groupId({ disk: { subscription: vm.subscription }, group: vm.group });
  const groups = prepared.flatMap((it) => [
    groupId(it),
    groupId({ disk: it.disk, group: it.disk.group }),
  ]);
  const scopes = distinct(prepared.length === 0 ? [own] : groups);
  const needsIdentity = identity !== undefined && 'problem' in identity;
  return {
    role: snapshotRole(
      distinct([vm.subscription, ...prepared.map(({ disk }) => disk.subscription)]),
    ),
    commands: roleCommands({
      ...{ vm, scopes, needsIdentity },
      principalId: needsIdentity ? undefined : identity?.principalId,
    }),
  };
}

/** Ids are compared without case. */
function distinct(ids: readonly string[]): string[] {
  return ids.filter(
    (id, index) => ids.findIndex((it) => it.toLowerCase() === id.toLowerCase()) === index,
  );
}
