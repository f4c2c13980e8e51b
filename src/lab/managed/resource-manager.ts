import { randomUUID } from 'node:crypto';
import type { AccessService } from './access-service.ts';
import type { Cloud } from './cloud.ts';
import { diskResource, vmResource } from './disk-resource.ts';
import type { FrontService, Incoming, Subject } from './front.ts';
import type { MadeDisks } from './made-disks.ts';
import type { ArmCall, ManagedIdentity } from './model.ts';
import type { Operations } from './operations.ts';
import { ARM_HOSTS } from './options.ts';
import type { Permissions } from './permissions.ts';
import type { Kind, Rates } from './rates.ts';
import { ManagedError, type Reply } from './reply.ts';
import type { RestorePointService } from './restore-point-service.ts';
import { sourceOf } from './snapshot-body.ts';
import type { ArmRequest, SnapshotService } from './snapshot-service.ts';
import type { SnapshotStore } from './snapshot-store.ts';
import { type ArmTarget, readTarget } from './targets.ts';
import type { TokenOffice } from './token-office.ts';

interface Rule {
  /** Undefined: the handler asks for rights itself, or none is needed. */
  readonly action: string | undefined;
  readonly kind: Kind;
  /** Of the compute policies that the call counts against. */
  readonly policies: string | undefined;
  readonly versions: 'disks' | 'compute' | 'authorization';
}

const RESTORE_POINTS = 'Microsoft.Compute/restorePointCollections';
const RULES: Readonly<Record<ArmCall, Rule>> = {
  'get-vm': reading('Microsoft.Compute/virtualMachines/read', 'LowCostGet', 'compute'),
  'get-disk': reading('Microsoft.Compute/disks/read', 'LowCostGet', 'disks'),
  'put-disk': { ...writing('Microsoft.Compute/disks/write'), versions: 'disks' },
  'put-snapshot': {
    action: 'Microsoft.Compute/snapshots/write',
    kind: 'writes',
    policies: 'HighCostSnapshotCreateHydrate',
    versions: 'disks',
  },
  'patch-snapshot': { ...writing('Microsoft.Compute/snapshots/write'), versions: 'disks' },
  'get-snapshot': reading('Microsoft.Compute/snapshots/read', 'LowCostGet', 'disks'),
  'delete-snapshot': deleting('Microsoft.Compute/snapshots/delete', 'disks'),
  'list-snapshots': reading('Microsoft.Compute/snapshots/read', 'LowCostGet', 'disks'),
  // What they need is checked on the snapshot.
  'begin-access': { action: undefined, kind: 'writes', policies: undefined, versions: 'disks' },
  'end-access': { action: undefined, kind: 'writes', policies: undefined, versions: 'disks' },
  'read-content': reading(undefined, undefined, 'disks'),
  'poll-operation': reading(undefined, 'GetOperation', 'disks'),
  'poll-location': reading(undefined, 'GetOperation', 'disks'),
  'list-collections': reading(`${RESTORE_POINTS}/read`, undefined, 'compute'),
  'put-collection': writing(`${RESTORE_POINTS}/write`),
  'get-collection': reading(`${RESTORE_POINTS}/read`, undefined, 'compute'),
  'delete-collection': deleting(`${RESTORE_POINTS}/delete`, 'compute'),
  'put-restore-point': writing(`${RESTORE_POINTS}/restorePoints/write`),
  'get-restore-point': reading(`${RESTORE_POINTS}/restorePoints/read`, undefined, 'compute'),
  'delete-restore-point': deleting(`${RESTORE_POINTS}/restorePoints/delete`, 'compute'),
  'get-disk-restore-point': reading(
    `${RESTORE_POINTS}/restorePoints/diskRestorePoints/read`,
    undefined,
    'disks',
  ),
  'get-permissions': reading(
    'Microsoft.Authorization/permissions/read',
    undefined,
    'authorization',
  ),
  'list-locks': reading('Microsoft.Authorization/locks/read', undefined, 'authorization'),
  'other-resource': reading(undefined, undefined, 'disks'),
};

function reading(
  action: string | undefined,
  policies: string | undefined,
  versions: Rule['versions'],
): Rule {
  return { action, kind: 'reads', policies, versions };
}

function writing(action: string): Rule {
  return { action, kind: 'writes', policies: undefined, versions: 'compute' };
}

function deleting(action: string, versions: Rule['versions']): Rule {
  return { action, kind: 'deletes', policies: undefined, versions };
}

const DISK_VERSIONS = [
  ...['2020-12-01', '2021-04-01', '2021-08-01', '2021-12-01', '2022-03-02', '2022-07-02'],
  ...['2023-01-02', '2023-04-02', '2023-10-02', '2024-03-02', '2025-01-02'],
];
const VERSIONS: Readonly<Record<Rule['versions'], readonly string[]>> = {
  disks: DISK_VERSIONS,
  compute: [
    ...['2021-07-01', '2021-11-01', '2022-03-01', '2022-08-01', '2022-11-01', '2023-03-01'],
    ...['2023-07-01', '2023-09-01', '2024-03-01', '2024-07-01', '2024-11-01', '2025-04-01'],
    '2025-11-01',
  ],
  authorization: ['2016-09-01', '2018-07-01', '2020-05-01', '2022-04-01'],
};

export interface ResourceManagerParts {
  readonly cloud: Cloud;
  readonly tokens: TokenOffice;
  readonly permissions: Permissions;
  readonly rates: Rates;
  readonly operations: Operations;
  readonly snapshots: SnapshotService;
  readonly store: SnapshotStore;
  readonly restorePoints: RestorePointService;
  readonly madeDisks: MadeDisks;
  readonly accesses: AccessService;
}

/** The door of the resource manager: token, version, rights and rates, and then what was asked for. */
export class ResourceManager implements FrontService<ArmCall> {
  readonly name = 'resource-manager';
  readonly #parts: ResourceManagerParts;

  constructor(parts: ResourceManagerParts) {
    this.#parts = parts;
  }

  read({ method, path, query, body }: Incoming): Subject<ArmCall> {
    const target = readTarget(method, path, query);
    const { cloud, operations, store } = this.#parts;
    const { call, name } = target;
    switch (call) {
      case 'get-disk':
      case 'put-disk':
        return { call, disk: name };
      case 'begin-access':
      case 'end-access':
        return { call, disk: store.find(withoutVerb(path))?.disk.spec.name, resource: name };
      case 'put-snapshot':
        return { call, disk: cloud.diskById(sourceOf(body) ?? '')?.spec.name, resource: name };
      case 'get-snapshot':
      case 'patch-snapshot':
      case 'delete-snapshot':
        return { call, disk: store.find(path)?.disk.spec.name, resource: name };
      case 'poll-operation':
      case 'poll-location': {
        const spec = operations.find(name)?.spec;
        return { call, disk: spec?.disk, resource: spec?.resource.split('/').at(-1) };
      }
      default:
        return { call, resource: name === '' ? undefined : name };
    }
  }

  render(error: ManagedError): Reply {
    return {
      status: error.status,
      headers: { ...identityHeaders(), ...error.parts.headers },
      body: error.armBody,
    };
  }

  async handle(incoming: Incoming): Promise<Reply> {
    const arrivedMs = performance.now();
    const { method, path, query, headers, body } = incoming;
    const { cloud, tokens, permissions, rates, accesses } = this.#parts;
    const target = readTarget(method, path, query);
    if (target.call === 'read-content') {
      return await accesses.read(incoming);
    }
    const host = ARM_HOSTS[cloud.vm.environment];
    const { identity } = tokens.check(headers.authorization, [
      `https://${host}/`,
      `https://${host}`,
    ]);
    const rule = RULES[target.call];
    checkVersion(query, rule);
    checkContent(incoming);
    const rateHeaders = rates.charge(rule.kind, rule.policies);
    if (rule.action !== undefined) {
      permissions.require(identity, rule.action, target.path);
    }
    this.#checkGroup(target);
    const base = `https://${headers.host ?? host}`;
    const reply = await this.#serve({ target, body, query, identity, base, arrivedMs });
    return { ...reply, headers: { ...identityHeaders(), ...rateHeaders, ...reply.headers } };
  }

  async #serve(request: ArmRequest): Promise<Reply> {
    const { target, query, identity } = request;
    const { cloud, snapshots, restorePoints, permissions, operations } = this.#parts;
    const { madeDisks, accesses } = this.#parts;
    switch (target.call) {
      case 'get-vm':
        return { status: 200, body: vmResource(cloud) };
      case 'get-disk':
        return madeDisks.get(target.path) ?? this.#disk(target);
      case 'put-disk':
        return await madeDisks.put(request);
      case 'begin-access':
        return await accesses.begin(request);
      case 'end-access':
        return await accesses.end(request);
      case 'put-snapshot':
        return await snapshots.put(request);
      case 'patch-snapshot':
        return snapshots.patch(request);
      case 'get-snapshot':
        return snapshots.get(request);
      case 'delete-snapshot':
        return await snapshots.delete(request);
      case 'list-snapshots':
        return snapshots.list(request);
      case 'poll-operation':
      case 'poll-location':
        this.#requirePollRight(identity, target);
        return operations.poll(target.name, query, target.call === 'poll-location');
      case 'get-permissions':
        return { status: 200, body: permissions.list(identity, scopeOf(target)) };
      case 'list-locks':
        return { status: 200, body: permissions.locksOn(scopeOf(target)) };
      case 'other-resource':
        throw new ManagedError(404, 'NotFound', { message: 'The lab knows no such request.' });
      default:
        return await restorePoints.handle(request);
    }
  }

  #requirePollRight(identity: ManagedIdentity, { path, subscription }: ArmTarget): void {
    const kind = /\/DiskOperations\//i.test(path) ? 'DiskOperations' : 'operations';
    this.#parts.permissions.require(
      identity,
      `Microsoft.Compute/locations/${kind}/read`,
      `/subscriptions/${subscription}`,
    );
  }

  #disk({ path, name, group }: ArmTarget): Reply {
    const { cloud } = this.#parts;
    const disk = cloud.diskById(path);
    if (disk === undefined || disk.spec.missing || disk.spec.vhdUri !== undefined) {
      throw new ManagedError(404, 'ResourceNotFound', {
        message: `The Resource 'Microsoft.Compute/disks/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
      });
    }
    return { status: 200, body: diskResource(cloud, disk) };
  }

  #checkGroup({ group }: ArmTarget): void {
    if (group !== '' && !this.#parts.cloud.hasGroup(group)) {
      throw new ManagedError(404, 'ResourceGroupNotFound', {
        message: `Resource group '${group}' could not be found.`,
      });
    }
  }
}

/** Throws 400. */
function checkVersion(query: URLSearchParams, { versions }: Rule): void {
  const version = query.get('api-version');
  if (version === null) {
    throw new ManagedError(400, 'MissingApiVersionParameter', {
      message: 'The api-version query parameter (?api-version=) is required for all requests.',
    });
  }
  if (!VERSIONS[versions].includes(version)) {
    throw new ManagedError(400, 'NoRegisteredProviderFound', {
      message: `No registered resource provider found for API version '${version}'. The supported api-versions are '${VERSIONS[versions].join(', ')}'.`,
    });
  }
}

/** Throws 415. */
function checkContent({ method, headers }: Incoming): void {
  const type = headers['content-type'] ?? '<null>';
  if (['PUT', 'PATCH'].includes(method) && !/^application\/json(;|$)/i.test(type)) {
    throw new ManagedError(415, 'UnsupportedMediaType', {
      message: `The content media type '${type}' is not supported. Only 'application/json' is supported.`,
    });
  }
}

function withoutVerb(path: string): string {
  return path.replace(/\/[^/]+$/, '');
}

function scopeOf({ path }: ArmTarget): string {
  return path.replace(/\/providers\/Microsoft\.Authorization\/[^/]+$/i, '');
}

function identityHeaders(): Record<string, string> {
  const id = randomUUID();
  return {
    'x-ms-request-id': id,
    'x-ms-correlation-request-id': id,
    'x-ms-routing-request-id': `WESTEUROPE:${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}:${id}`,
    'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
    'X-Content-Type-Options': 'nosniff',
  };
}
