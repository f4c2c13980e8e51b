import type { Cloud } from './cloud.ts';
import type { ManagedIdentity } from './model.ts';
import { ManagedError } from './reply.ts';
import { covers } from './targets.ts';

/** What reading the data of a resource needs, by its type. */
const LINKED_ACTIONS = [
  ['disks', 'Microsoft.Compute/disks/beginGetAccess/action'],
  ['snapshots', 'Microsoft.Compute/snapshots/beginGetAccess/action'],
  [
    'diskRestorePoints',
    'Microsoft.Compute/restorePointCollections/restorePoints/diskRestorePoints/beginGetAccess/action',
  ],
] as const;

function linkedActionOf(id: string): string {
  const type = id.split('/').at(-2);
  return LINKED_ACTIONS.find(([its]) => its === type)?.[1] ?? LINKED_ACTIONS[0][1];
}

/** Who may do what, what is locked and what policies deny. */
export class Permissions {
  readonly #cloud: Cloud;

  constructor(cloud: Cloud) {
    this.#cloud = cloud;
  }

  allows(identity: ManagedIdentity, action: string, id: string): boolean {
    const { grants, denials } = this.#cloud;
    return (
      grants.some(
        (grant) =>
          (grant.clientId === undefined || grant.clientId === identity.clientId) &&
          covers(grant.scope, id) &&
          grant.actions.some((pattern) => matches(pattern, action)),
      ) && !denials.some((denial) => covers(denial.scope, id) && matches(denial.action, action))
    );
  }

  /** Throws 403. */
  require(identity: ManagedIdentity, action: string, id: string): void {
    if (!this.allows(identity, action, id)) {
      throw new ManagedError(403, 'AuthorizationFailed', {
        message: `The client '${identity.objectId}' with object id '${identity.objectId}' does not have authorization to perform action '${action}' over scope '${id}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
      });
    }
  }

  /** Throws 403: the right to read the source's data, which a PUT asks for besides its own. */
  requireLinked(identity: ManagedIdentity, action: string, id: string, source: string): void {
    const linked = linkedActionOf(source);
    if (!this.allows(identity, linked, source)) {
      throw new ManagedError(403, 'LinkedAuthorizationFailed', {
        message: `The client '${identity.objectId}' with object id '${identity.objectId}' has permission to perform action '${action}' on scope '${id}'; however, it does not have permission to perform action(s) '${linked}' on the linked scope(s) '${source}' (respectively) or the linked scope(s) are invalid.`,
      });
    }
  }

  /** What GET …/permissions says: the actions of every grant that reaches the scope. */
  list(identity: ManagedIdentity, scope: string): unknown {
    const { grants, denials } = this.#cloud;
    const own = grants.filter(
      (grant) =>
        (grant.clientId === undefined || grant.clientId === identity.clientId) &&
        covers(grant.scope, scope),
    );
    const notActions = denials
      .filter((denial) => covers(denial.scope, scope))
      .map(({ action }) => action);
    return {
      value: own.map(({ actions }) => ({
        actions,
        notActions,
        dataActions: [],
        notDataActions: [],
      })),
    };
  }

  locksOn(scope: string): unknown {
    const value = this.#cloud.locks
      .filter((lock) => covers(lock.scope, scope))
      .map(({ name, level, scope: locked }) => ({
        properties: { level },
        id: `${locked}/providers/Microsoft.Authorization/locks/${name}`,
        type: 'Microsoft.Authorization/locks',
        name,
      }));
    return { value };
  }

  /** Throws 409. A lock against deletion stops only deletes. */
  refuseLocked(kind: 'write' | 'delete', id: string): void {
    const lock = this.#cloud.locks.find(
      ({ level, scope }) => covers(scope, id) && (level === 'ReadOnly' || kind === 'delete'),
    );
    if (lock !== undefined) {
      throw new ManagedError(409, 'ScopeLocked', {
        message: `The scope '${id}' cannot perform ${kind} operation because following scope(s) are locked: '${lock.scope}'. Please remove the lock and try again.`,
      });
    }
  }

  /** Throws 403. */
  refuseDenied(
    id: string,
    name: string,
    asked: {
      readonly tags: Readonly<Record<string, string>>;
      readonly networkAccessPolicy: string;
      readonly sku: string;
    },
  ): void {
    const policy = this.#cloud.policies.find(
      ({ scope, missingTag, networkAccessPolicy, sku }) =>
        covers(scope, id) &&
        (missingTag === undefined || asked.tags[missingTag] === undefined) &&
        (networkAccessPolicy === undefined || asked.networkAccessPolicy === networkAccessPolicy) &&
        (sku === undefined || asked.sku === sku),
    );
    if (policy !== undefined) {
      throw new ManagedError(403, 'RequestDisallowedByPolicy', {
        message: `Resource '${name}' was disallowed by policy. Policy identifiers: '[{"policyAssignment":{"name":"${policy.name}","id":"${policy.scope}/providers/Microsoft.Authorization/policyAssignments/${policy.name}"}}]'.`,
      });
    }
  }
}

/** Patterns come again with every request, and the machine that is measured pays for them. */
const expressions = new Map<string, RegExp>();

function matches(pattern: string, action: string): boolean {
  const expression = expressions.get(pattern) ?? wildcard(pattern);
  expressions.set(pattern, expression);
  return expression.test(action);
}

function wildcard(pattern: string): RegExp {
  const parts = pattern.split('*').map((part) => RegExp.escape(part));
  return new RegExp(`^${parts.join('.*')}$`, 'i');
}
