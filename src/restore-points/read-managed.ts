import * as v from 'valibot';
import { FlashfreezeError } from '../errors.ts';
import type { ExchangeEnd } from '../snapshot/http/exchange-end.ts';
import { parseArmId } from '../snapshot/managed/arm-id.ts';
import { diskErrorCode, failureOfExchange, GRANT } from '../snapshot/managed/disk-failures.ts';
import { jsonOf } from '../snapshot/managed/json-of.ts';
import { DISK_API_VERSION } from '../snapshot/managed/prepared-disk.ts';
import { RestorePointClient } from '../snapshot/managed/restore-point-client.ts';
import type { ServiceError } from '../snapshot/managed/service-error.ts';
import type { ManagedService } from './managed-service.ts';
import { membershipIn } from './membership.ts';
import type { StoredMember } from './restore-point.ts';

/** Time limit for each page. A list with many pages may take as long as it goes on. */
const PAGE_LIMIT_MS = 30_000;

/** A snapshot of a managed disk as the resource manager lists it. */
export interface ManagedSnapshot {
  readonly id: string;
  readonly name: string;
  readonly sourceDisk: string;
  readonly takenAt: Date;
  readonly sizeBytes: number;
  readonly tags: Readonly<Record<string, string>>;
}

const snapshotSchema = v.object({
  id: v.string(),
  name: v.string(),
  tags: v.nullish(v.record(v.string(), v.string()), {}),
  properties: v.object({
    timeCreated: v.nullish(v.string(), ''),
    diskSizeBytes: v.nullish(v.number(), 0),
    creationData: v.nullish(v.object({ sourceResourceId: v.nullish(v.string(), '') })),
  }),
});
const pageSchema = v.object({ value: v.array(v.unknown()), nextLink: v.nullish(v.string(), '') });

/**
 * Lists the snapshots in a resource group, page by page. Do not call it while anything is frozen.
 *
 * @throws FlashfreezeError FF_DISK_REFUSED, FF_DISK_NOT_FOUND, FF_DISK_UNREACHABLE; the errors of `TokenKeeper`
 */
export async function* managedSnapshotPages(
  service: ManagedService,
): AsyncGenerator<readonly ManagedSnapshot[]> {
  const scope = `/subscriptions/${service.subscription}/resourceGroups/${encodeURIComponent(service.group)}`;
  const client = new RestorePointClient(service.origin, service.proxy, '');
  try {
    let path: string | undefined =
      `${scope}/providers/Microsoft.Compute/snapshots?api-version=${DISK_API_VERSION}`;
    while (path !== undefined) {
      const { value, nextLink } = await page(client, service, path);
      yield value.flatMap((it) => snapshotIn(it) ?? []);
      path = nextPath(nextLink ?? '', service.origin);
    }
  } finally {
    client.close();
  }
}

async function page(
  client: RestorePointClient,
  service: ManagedService,
  path: string,
): Promise<v.InferOutput<typeof pageSchema>> {
  client.authorize(await service.tokens.forNow());
  let end = await client.ask(client.request('GET', path), PAGE_LIMIT_MS);
  if (end?.kind === 'refused' && end.answer.httpStatus === 401) {
    client.authorize(await service.tokens.renewed());
    end = await client.ask(client.request('GET', path), PAGE_LIMIT_MS);
  }
  if (end?.kind !== 'succeeded' || end.answer.httpStatus === 404) {
    throw refused(end, service);
  }
  const parsed = v.safeParse(pageSchema, jsonOf(Buffer.concat(end.answer.body).toString('utf8')));
  if (!parsed.success) {
    throw new FlashfreezeError(
      'FF_DISK_REFUSED',
      `${service.origin}: the list of the snapshots in the resource group ${service.group} has not the expected form; try again`,
    );
  }
  return parsed.output;
}

function refused(end: ExchangeEnd | undefined, { origin, group }: ManagedService) {
  const failure = failureOfExchange(end, origin, (httpStatus, error) =>
    explain(httpStatus, error, group),
  );
  return new FlashfreezeError(
    diskErrorCode(failure),
    `cannot list the snapshots in the resource group ${group}: ${failure.message}`,
  );
}

function explain(httpStatus: number, error: ServiceError | undefined, group: string): string {
  switch (httpStatus) {
    case 403:
      return `the VM's identity lacks Microsoft.Compute/snapshots/read on it: ${GRANT}`;
    case 404:
      return `there is no resource group ${group} in the subscription of this VM; give another --resource-group`;
    case 429:
      return 'too many requests; try again in a few minutes';
    default:
      return `${error?.code ?? `HTTP ${httpStatus}`}${error?.message ? `: ${error.message}` : ''}`;
  }
}

/** An entry of another form is left out: nothing could be done with it. */
function snapshotIn(entry: unknown): ManagedSnapshot | undefined {
  const parsed = v.safeParse(snapshotSchema, entry);
  if (!parsed.success || parseArmId(parsed.output.id, 'snapshots') === undefined) {
    return undefined;
  }
  const { id, name, tags, properties } = parsed.output;
  const { timeCreated, diskSizeBytes, creationData } = properties;
  return {
    id,
    name,
    tags: tags ?? {},
    sourceDisk: creationData?.sourceResourceId ?? '',
    takenAt: new Date(timeCreated ?? ''),
    sizeBytes: diskSizeBytes ?? 0,
  };
}

/** The token goes to the resource manager alone, so a link to another server ends the list with an error. */
function nextPath(nextLink: string, origin: string): string | undefined {
  if (nextLink === '') {
    return undefined;
  }
  const url = URL.canParse(nextLink) ? new URL(nextLink) : undefined;
  if (url?.origin !== origin || url.username !== '') {
    throw new FlashfreezeError(
      'FF_DISK_REFUSED',
      `${origin}: the next page of the list of snapshots is not at this address; nothing was done with the part that was read`,
    );
  }
  return `${url.pathname}${url.search}`;
}

/** What a resource group holds of restore points. */
export interface ManagedInventory {
  readonly members: readonly StoredMember[];
  /** Number of snapshots that say of no restore point that they belong to it. */
  readonly others: number;
}

/**
 * Reads the members of restore points in a resource group; their tags say what the runs recorded.
 *
 * @param progress called with the number of snapshots after every page
 * @throws FlashfreezeError as `managedSnapshotPages`
 */
export async function readManaged(
  service: ManagedService,
  progress: (snapshots: number) => void = () => {},
): Promise<ManagedInventory> {
  const members: StoredMember[] = [];
  let seen = 0;
  for await (const snapshots of managedSnapshotPages(service)) {
    members.push(...snapshots.flatMap((it) => memberOf(it) ?? []));
    seen += snapshots.length;
    progress(seen);
  }
  return { members, others: seen - members.length };
}

function memberOf(snapshot: ManagedSnapshot): StoredMember | undefined {
  const { id, sourceDisk, takenAt, sizeBytes, tags } = snapshot;
  const membership = membershipIn(tags);
  return membership === undefined || Number.isNaN(takenAt.getTime())
    ? undefined
    : { place: { kind: 'managed', id, sourceDisk }, takenAt, sizeBytes, membership, values: tags };
}
