import * as v from 'valibot';
import type { RequestFailure } from '../snapshot-types.ts';
import { isSameId } from './arm-id.ts';
import { failureOfDisk, GRANT } from './disk-failures.ts';
import { jsonOf } from './json-of.ts';

/** Needed on the disk. The second one is checked by the service along with the request for the snapshot. */
export const DISK_ACTIONS = [
  'Microsoft.Compute/disks/read',
  'Microsoft.Compute/disks/beginGetAccess/action',
] as const;
/** Needed on the resource group of the snapshots. */
export const GROUP_ACTIONS = [
  'Microsoft.Compute/snapshots/read',
  'Microsoft.Compute/snapshots/write',
] as const;

/** What an identity may do on a scope, and which locks are there; both answers may be refused to it. */
export const RIGHTS_PATHS = {
  permissions: '/providers/Microsoft.Authorization/permissions?api-version=2022-04-01',
  locks: '/providers/Microsoft.Authorization/locks?api-version=2016-09-01',
} as const;

const actions = v.optional(v.array(v.string()), []);
const permissionsSchema = v.object({
  value: v.array(v.object({ actions, notActions: actions })),
  nextLink: v.nullish(v.string(), ''),
});

/**
 * The actions that no role of the identity has on a scope. Nothing is concluded from an answer that is empty, that has more
 * pages, or that has not the expected form. Pure.
 */
export function missingActions(
  body: readonly Uint8Array[],
  needed: readonly string[],
): readonly string[] {
  const parsed = v.safeParse(permissionsSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success || parsed.output.value.length === 0 || parsed.output.nextLink) {
    return [];
  }
  const roles = parsed.output.value;
  return needed.filter(
    (action) =>
      !roles.some(
        (role) =>
          role.actions.some((it) => matches(it, action)) &&
          !role.notActions.some((it) => matches(it, action)),
      ),
  );
}

/** An asterisk stands for anything. */
function matches(pattern: string, action: string): boolean {
  const parts = pattern.split('*').map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join('.*')}$`, 'i').test(action);
}

export function failureOfRights(missing: readonly string[], scope: string): RequestFailure {
  return failureOfDisk(`the VM's identity lacks ${missing.join(', ')} on ${scope}: ${GRANT}`);
}

const locksSchema = v.object({
  value: v.array(v.object({ id: v.string(), properties: v.object({ level: v.string() }) })),
});

/** The read-only lock that no snapshot can be written under; those on other resources of the group do not count. Pure. */
export function readOnlyLock(body: readonly Uint8Array[], group: string): string | undefined {
  const parsed = v.safeParse(locksSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  const locks = parsed.success ? parsed.output.value : [];
  return locks.find(({ id, properties }) => {
    const at = id.toLowerCase().indexOf('/providers/microsoft.authorization/locks/');
    const scope = id.slice(0, Math.max(at, 0));
    const isAbove =
      isSameId(scope, group) || group.toLowerCase().startsWith(`${scope.toLowerCase()}/`);
    return properties.level.toLowerCase() === 'readonly' && at >= 0 && isAbove;
  })?.id;
}

export function failureOfLock(lock: string): RequestFailure {
  return failureOfDisk(
    `the read-only lock ${lock} forbids snapshots: remove it, or choose another --resource-group`,
  );
}
