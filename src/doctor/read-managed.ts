import { judge, type ManagedLook } from '../backup/look-at-managed.ts';
import { machineProxy } from '../config/machine-proxy.ts';
import type { Plan } from '../filesystems/plan-types.ts';
import { type PlanReading, readDisks } from '../filesystems/read-plan.ts';
import type { ExchangeEnd } from '../snapshot/http/exchange-end.ts';
import { type ArmId, armPath } from '../snapshot/managed/arm-id.ts';
import { failureOfEnd, isOfManager } from '../snapshot/managed/disk-failures.ts';
import { readDiskResource } from '../snapshot/managed/disk-resource.ts';
import { fetchToken } from '../snapshot/managed/identity-token.ts';
import { type Instance, readInstance } from '../snapshot/managed/instance-metadata.ts';
import {
  type ManagedSet,
  type ManagedWishes,
  prepareSet,
} from '../snapshot/managed/managed-set.ts';
import { ownPath } from '../snapshot/managed/operation.ts';
import {
  ArmRequests,
  DISK_API_VERSION,
  groupId,
  type PreparedDisk,
  snapshotId,
} from '../snapshot/managed/prepared-disk.ts';
import { RestorePointClient } from '../snapshot/managed/restore-point-client.ts';
import {
  DISK_ACTIONS,
  GROUP_ACTIONS,
  missingActions,
  RIGHTS_PATHS,
  readOnlyLock,
} from '../snapshot/managed/rights.ts';
import { POLL_ACTION } from '../snapshot/managed/role.ts';
import { serviceErrorIn } from '../snapshot/managed/service-error.ts';
import {
  countSnapshots,
  type ListedSnapshot,
  readSnapshotPage,
} from '../snapshot/managed/snapshot-limits.ts';
import { identityIn } from '../snapshot/managed/token-identity.ts';
import type { IdentityFacts, ManagedFacts, ManagerFacts, RightsFacts } from './doctor-types.ts';
import { messageOf } from './read-blobs.ts';

export interface ManagedQuestion {
  readonly wishes: ManagedWishes;
  /** The LUNs of the disks that the set has to contain; undefined: every disk. */
  readonly includedLuns: readonly number[] | undefined;
  /** Receives the token, so that no text shows it. */
  readonly learnSecret: (secret: string) => void;
}

/** For one answer of the resource manager. */
const ANSWER_MS = 20_000;

/**
 * Looks at all that snapshots of the managed disks depend on; makes nothing and freezes nothing. Never rejects.
 *
 * @param plan undefined if there is none
 */
export async function readManaged(
  { wishes, includedLuns, learnSecret }: ManagedQuestion,
  plan: PlanReading | undefined,
): Promise<ManagedFacts> {
  const instance = await readInstance().catch(messageOf);
  if (typeof instance === 'string') {
    return { metadata: { problem: instance } };
  }
  const set = setOf(instance, wishes);
  if (typeof set === 'string') {
    return { metadata: { instance, problem: set } };
  }
  const token = await fetchToken(set.manager.audience, wishes.clientId).catch(messageOf);
  if (typeof token === 'string') {
    return { metadata: { instance }, set, identity: { problem: token } };
  }
  learnSecret(token.text);
  const identity: IdentityFacts = { ...identityIn(token.text), expires: new Date(token.expiresMs) };
  const manager = await askManager(set, `Bearer ${token.text}`);
  if (manager.problem !== undefined) {
    return { metadata: { instance }, set, identity, manager };
  }
  const findings = manager.disks.map(({ sizeBytes, problem }) => ({ sizeBytes, problem }));
  const look: ManagedLook = judge(set, plan ?? (await planOfDisks()), includedLuns, findings);
  return { metadata: { instance }, set, identity, manager, look };
}

/** The set, or why there is none. */
function setOf(instance: Instance, wishes: ManagedWishes): ManagedSet | string {
  try {
    return prepareSet(instance, wishes, { runId: 'doctor', proxyFor: machineProxy() });
  } catch (error) {
    return messageOf(error);
  }
}

async function planOfDisks(): Promise<Plan> {
  return {
    ...{ fileSystems: [], waves: [], thawsAfter: [], disks: [], excluded: [] },
    otherDisks: await readDisks(),
  };
}

/** Asks one question after the other, over one connection. */
async function askManager({ prepared, manager }: ManagedSet, auth: string): Promise<ManagerFacts> {
  const [first] = prepared;
  const { origin } = manager;
  const client = new RestorePointClient(origin, first?.proxy, 'flashfreeze-doctor');
  const requests = new ArmRequests(auth, 'flashfreeze-doctor');
  const ask: Ask = (request) => client.ask(request, ANSWER_MS);
  const common = { origin, isProxied: first?.proxy !== undefined };
  const nothing = { ...common, disks: [], rights: [], lock: undefined, groupProblem: undefined };
  try {
    const disks: ManagerFacts['disks'][number][] = [];
    for (const disk of prepared) {
      const end = await ask(requests.get(disk.disk));
      if (end === undefined || !('answer' in end) || !isOfManager(end.answer)) {
        const purpose = purposeOf('disks/read', disk.disk, disk);
        return { ...nothing, problem: failureOfEnd(end, origin, purpose).message };
      }
      disks.push(diskIn(end, disk));
    }
    const groupProblem = first === undefined ? undefined : await askGroup(ask, requests, first);
    const list = first === undefined ? undefined : await listSnapshots(ask, requests, first);
    const nowMs = client.serverTimeOf(process.hrtime.bigint()) ?? Date.now();
    const counted = disks.map((disk, index) => {
      const id = prepared[index]?.disk.text ?? '';
      return { ...disk, count: list === undefined ? undefined : countSnapshots(list, id, nowMs) };
    });
    const rights = await askRights(ask, requests, prepared);
    const lock = first === undefined ? undefined : await askLock(ask, requests, first);
    return { ...common, problem: undefined, disks: counted, rights, lock, groupProblem };
  } finally {
    client.close();
  }
}

type Ask = (request: ReturnType<ArmRequests['get']>) => Promise<ExchangeEnd | undefined>;

function purposeOf(action: string, scope: ArmId, { disk }: PreparedDisk) {
  return { action: `Microsoft.Compute/${action}`, scope: scope.text, disk: disk.text };
}

function diskIn(end: ExchangeEnd, disk: PreparedDisk): ManagerFacts['disks'][number] {
  const body = bodyOf(end);
  const resource = body === undefined ? undefined : readDiskResource(body, disk);
  return resource === undefined
    ? {
        problem: failureOfEnd(end, disk.origin, purposeOf('disks/read', disk.disk, disk)).message,
        ...{ sizeBytes: undefined, state: '' },
      }
    : resource;
}

/** The body of an answer of 200. */
function bodyOf(end: ExchangeEnd | undefined): readonly Uint8Array[] | undefined {
  return end?.kind === 'succeeded' && end.answer.httpStatus === 200 ? end.answer.body : undefined;
}

/** Why snapshots of the group cannot be read; that the one asked for does not exist is the good answer. */
async function askGroup(
  ask: Ask,
  requests: ArmRequests,
  disk: PreparedDisk,
): Promise<string | undefined> {
  const id = snapshotId(disk, 0);
  const end = await ask(requests.get(id));
  const isFree =
    end?.kind === 'succeeded' && serviceErrorIn(end.answer.body)?.code !== 'ResourceGroupNotFound';
  return isFree
    ? undefined
    : failureOfEnd(end, disk.origin, purposeOf('snapshots/read', id, disk)).message;
}

/** More pages than the snapshots of a subscription need. */
const MAX_PAGES = 100;

/** The incremental snapshots in the resource group of the coming ones; undefined if they cannot be read. */
async function listSnapshots(
  ask: Ask,
  requests: ArmRequests,
  disk: PreparedDisk,
): Promise<ListedSnapshot[] | undefined> {
  const group = armPath({ text: groupId(disk) });
  let path: string | undefined =
    `${group}/providers/Microsoft.Compute/snapshots?api-version=${DISK_API_VERSION}`;
  const found: ListedSnapshot[] = [];
  for (let pages = 0; path !== undefined && pages < MAX_PAGES; pages += 1) {
    const body = bodyOf(await ask(requests.getPath(path)));
    const page = body === undefined ? undefined : readSnapshotPage(body);
    if (page === undefined) {
      return undefined;
    }
    found.push(...page.snapshots);
    path = ownPath(page.nextLink, disk.origin);
  }
  return found;
}

/** Rights on a group hold for the disks in it; the disks themselves are asked only if their group does not give them. */
async function askRights(
  ask: Ask,
  requests: ArmRequests,
  prepared: readonly PreparedDisk[],
): Promise<RightsFacts[]> {
  const missingOn = async (scope: string, actions: readonly string[]): Promise<RightsFacts> => {
    const path = `${armPath({ text: scope })}${RIGHTS_PATHS.permissions}`;
    const body = bodyOf(await ask(requests.getPath(path)));
    return { scope, missing: body === undefined ? undefined : missingActions(body, actions) };
  };
  const found: RightsFacts[] = [];
  for (const scope of new Set(prepared.map(groupId))) {
    found.push(await missingOn(scope, GROUP_ACTIONS));
  }
  const byGroup = Map.groupBy(prepared, ({ disk }) => groupId({ disk, group: disk.group }));
  for (const [group, disks] of byGroup) {
    const ofGroup = await missingOn(group, DISK_ACTIONS);
    if (ofGroup.missing?.length === 0) {
      found.push(ofGroup);
    } else {
      for (const { disk } of disks) {
        found.push(await missingOn(disk.text, DISK_ACTIONS));
      }
    }
  }
  for (const subscription of new Set(prepared.map(({ disk }) => disk.subscription))) {
    const scope = `/subscriptions/${subscription}`;
    found.push({ ...(await missingOn(scope, [POLL_ACTION])), isOptional: true });
  }
  return found;
}

async function askLock(
  ask: Ask,
  requests: ArmRequests,
  disk: PreparedDisk,
): Promise<ManagerFacts['lock']> {
  const group = groupId(disk);
  const path = `${armPath({ text: group })}${RIGHTS_PATHS.locks}`;
  const body = bodyOf(await ask(requests.getPath(path)));
  return body === undefined ? { isHidden: true } : { id: readOnlyLock(body, group) };
}
