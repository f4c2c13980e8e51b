import type { ArmCall } from './model.ts';

/** What a request to the resource manager asks for, read off its method and path. */
export interface ArmTarget {
  readonly call: ArmCall;
  /** Path as it was sent, without the query. */
  readonly path: string;
  readonly subscription: string;
  readonly group: string;
  /** Last name in the path: of a disk, snapshot, collection, restore point or operation. */
  readonly name: string;
  /** Of a restore point. */
  readonly collection: string;
}

interface Pattern {
  readonly path: RegExp;
  readonly calls: Readonly<Record<string, ArmCall>>;
}

const SUBSCRIPTION = '^/subscriptions/(?<subscription>[^/]+)';
const GROUP = `${SUBSCRIPTION}/resourceGroups/(?<group>[^/]+)/providers/Microsoft\\.Compute`;
const NAME = '(?<name>[^/]+)';
/** Where the content of snapshots is read by a SAS; on another host than the resource manager's in the cloud. */
export const CONTENT_PATH = '/lab-content/';

const PATTERNS: readonly Pattern[] = [
  pattern(`${GROUP}/disks/${NAME}$`, { GET: 'get-disk', PUT: 'put-disk' }),
  pattern(`${GROUP}/virtualMachines/${NAME}$`, { GET: 'get-vm' }),
  pattern(`${GROUP}/snapshots/${NAME}$`, {
    PUT: 'put-snapshot',
    PATCH: 'patch-snapshot',
    GET: 'get-snapshot',
    DELETE: 'delete-snapshot',
  }),
  pattern(`${GROUP}/snapshots/${NAME}/beginGetAccess$`, { POST: 'begin-access' }),
  pattern(`${GROUP}/snapshots/${NAME}/endGetAccess$`, { POST: 'end-access' }),
  pattern(`^${CONTENT_PATH}${NAME}$`, { GET: 'read-content' }),
  pattern(`${GROUP}/snapshots$`, { GET: 'list-snapshots' }),
  pattern(`${SUBSCRIPTION}/providers/Microsoft\\.Compute/snapshots$`, { GET: 'list-snapshots' }),
  pattern(`${GROUP}/restorePointCollections$`, { GET: 'list-collections' }),
  pattern(`${GROUP}/restorePointCollections/${NAME}$`, {
    PUT: 'put-collection',
    GET: 'get-collection',
    DELETE: 'delete-collection',
  }),
  pattern(`${GROUP}/restorePointCollections/(?<collection>[^/]+)/restorePoints/${NAME}$`, {
    PUT: 'put-restore-point',
    GET: 'get-restore-point',
    DELETE: 'delete-restore-point',
  }),
  pattern(
    `${GROUP}/restorePointCollections/(?<collection>[^/]+)/restorePoints/[^/]+/diskRestorePoints/${NAME}$`,
    { GET: 'get-disk-restore-point' },
  ),
  pattern(
    `${SUBSCRIPTION}/providers/Microsoft\\.Compute/locations/[^/]+/(DiskOperations|operations)/${NAME}$`,
    { GET: 'poll-operation' },
  ),
  pattern('^(?:/.*)?/providers/Microsoft\\.Authorization/permissions$', {
    GET: 'get-permissions',
  }),
  pattern('^(?:/.*)?/providers/Microsoft\\.Authorization/locks$', { GET: 'list-locks' }),
];

function pattern(path: string, calls: Pattern['calls']): Pattern {
  return { path: new RegExp(path, 'i'), calls };
}

export function readTarget(method: string, path: string, query: URLSearchParams): ArmTarget {
  for (const { path: expression, calls } of PATTERNS) {
    const match = expression.exec(path);
    const call = calls[method];
    if (match !== null && call !== undefined) {
      const { subscription = '', group = '', name = '', collection = '' } = match.groups ?? {};
      const isLocation = call === 'poll-operation' && query.get('monitor') === 'true';
      return {
        call: isLocation ? 'poll-location' : call,
        path,
        subscription,
        group,
        name: decodeURIComponent(name),
        collection: decodeURIComponent(collection),
      };
    }
  }
  return { call: 'other-resource', path, subscription: '', group: '', name: '', collection: '' };
}

/** Of ids and names, which are compared without case. */
export function sameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/** Whether a scope is the id itself or above it. */
export function covers(scope: string, id: string): boolean {
  const above = scope.toLowerCase().replace(/\/+$/, '');
  const below = id.toLowerCase();
  return above === '' || below === above || below.startsWith(`${above}/`);
}
