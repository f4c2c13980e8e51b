import * as v from 'valibot';
import { deadlineIn } from '../../system/stamps.ts';
import { HttpConnection } from '../http/connection.ts';
import { parseArmId } from './arm-id.ts';
import { askOnce, type DeleteOptions, reasonOf } from './delete-snapshot.ts';
import { jsonOf } from './json-of.ts';
import { ArmRequests } from './prepared-disk.ts';

/** For all snapshots of a run together: tags are not worth more. */
export const TAGGING_LIMIT_MS = 15_000;
const CONNECTIONS = 8;

/** A snapshot by its resource id, and the tags that it gets beside those that it has. */
export interface TagsToAdd {
  readonly snapshot: string;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * Adds tags to snapshots of managed disks, a few at the same time. Do not call it while anything is frozen.
 *
 * @returns for each, in order, undefined if it has its tags, otherwise the reason, without secrets
 */
export async function tagSnapshots(
  wanted: readonly TagsToAdd[],
  { origin, proxy, authorization }: DeleteOptions,
  limitMs = TAGGING_LIMIT_MS,
): Promise<(string | undefined)[]> {
  const deadlineNs = deadlineIn(limitMs);
  const requests = new ArmRequests(authorization, '');
  const reasons: (string | undefined)[] = [];
  const waiting = wanted.entries();
  const work = async (): Promise<void> => {
    const connection = new HttpConnection(origin, { connectTimeoutMs: limitMs, proxy });
    try {
      for (const [index, one] of waiting) {
        reasons[index] = await tagOne(one, requests, connection, deadlineNs);
      }
    } finally {
      connection.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS, wanted.length) }, work));
  return wanted.map((_, index) => reasons[index]);
}

const taggedSchema = v.object({ tags: v.nullish(v.record(v.string(), v.string()), {}) });

/**
 * The service replaces all tags, and a policy may have added some meanwhile: so those that it has are read before.
 * https://learn.microsoft.com/rest/api/compute/snapshots/update
 */
async function tagOne(
  { snapshot, tags }: TagsToAdd,
  requests: ArmRequests,
  connection: HttpConnection,
  deadlineNs: bigint,
): Promise<string | undefined> {
  const id = parseArmId(snapshot, 'snapshots');
  if (id === undefined) {
    return 'its id has not the expected form';
  }
  const found = await askOnce(connection, requests.get(id), deadlineNs);
  if (found?.kind !== 'succeeded') {
    return reasonOf(found, () => 'Microsoft.Compute/snapshots/read');
  }
  const text = Buffer.concat(found.answer.body).toString('utf8');
  const parsed = v.safeParse(taggedSchema, jsonOf(text));
  if (found.answer.httpStatus === 404 || !parsed.success) {
    return 'the service does not show its tags';
  }
  const patch = requests.patch(id, { tags: { ...parsed.output.tags, ...tags } });
  const end = await askOnce(connection, patch, deadlineNs);
  return end?.kind === 'succeeded' && end.answer.httpStatus < 300
    ? undefined
    : reasonOf(end, () => 'Microsoft.Compute/snapshots/write');
}
