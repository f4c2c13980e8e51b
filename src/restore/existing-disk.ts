import * as v from 'valibot';
import { isSameId } from '../snapshot/managed/arm-id.ts';
import { jsonOf } from '../snapshot/managed/json-of.ts';

const existingSchema = v.object({
  managedBy: v.nullish(v.string(), ''),
  /** Of a disk that several VMs share. */
  managedByExtended: v.nullish(v.array(v.string()), []),
  properties: v.object({
    provisioningState: v.nullish(v.string(), ''),
    diskSizeBytes: v.nullish(v.number(), 0),
    diskSizeGB: v.nullish(v.number(), 0),
    completionPercent: v.nullish(v.number(), 100),
    timeCreated: v.nullish(v.string(), ''),
    LastOwnershipUpdateTime: v.nullish(v.string(), ''),
    creationData: v.nullish(v.object({ sourceResourceId: v.nullish(v.string(), '') })),
  }),
});

/** What is not known is 0. */
export interface ExpectedSize {
  readonly bytes: number;
  readonly gigabytes: number;
}

/** What stands where a new disk is to be. */
export type ExistingDisk =
  | { readonly kind: 'nothing' }
  /** Made of its snapshot. `wasAttached`: a VM may have written to it since. */
  | { readonly kind: 'made'; readonly wasAttached: boolean }
  /** It exists, and Azure still fills it with the data of its snapshot. */
  | { readonly kind: 'filling'; readonly percent: number }
  /** Its operation goes on. */
  | { readonly kind: 'underWay' }
  /** An operation that was to make it of its snapshot has failed, and no VM has used it; it can be tried again. */
  | { readonly kind: 'failed'; readonly state: string }
  | { readonly kind: 'foreign'; readonly because: string };

/**
 * Judges the answer about the disk of a name. Pure.
 *
 * @param source id of the snapshot that the disk is to be made of
 * @param size of the snapshot
 * @returns undefined if the answer has not the expected form
 */
export function judgeExisting(
  body: readonly Uint8Array[],
  source: string,
  size: ExpectedSize,
): ExistingDisk | undefined {
  const parsed = v.safeParse(existingSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return undefined;
  }
  const { properties } = parsed.output;
  const { provisioningState, completionPercent, creationData } = properties;
  const its = creationData?.sourceResourceId ?? '';
  if (!isSameId(its, source)) {
    return {
      kind: 'foreign',
      because: its === '' ? 'it was not made of a snapshot' : `it was made of ${its}`,
    };
  }
  const state = provisioningState ?? '';
  if (/^(?:failed|canceled)$/i.test(state)) {
    return judgeFailed(state, parsed.output, size);
  }
  if (!/^succeeded$/i.test(state)) {
    return { kind: 'underWay' };
  }
  const because = sizeProblem(size, properties);
  if (because !== undefined) {
    return { kind: 'foreign', because };
  }
  if ((completionPercent ?? 100) < 100) {
    return { kind: 'filling', percent: completionPercent ?? 0 };
  }
  const wasAttached = isManaged(parsed.output) || hasChangedHands(properties);
  return { kind: 'made', wasAttached };
}

type Existing = v.InferOutput<typeof existingSchema>;

/**
 * Not only the making of a disk can fail, but every later change of it, too. The request that tries again names every property, so it would set
 * back those of a disk that is in use.
 */
function judgeFailed(state: string, existing: Existing, size: ExpectedSize): ExistingDisk {
  const because = useOf(existing) ?? sizeProblem(size, existing.properties);
  return because === undefined
    ? { kind: 'failed', state }
    : { kind: 'foreign', because: `its provisioning state is ${state}, but ${because}` };
}

function useOf(existing: Existing): string | undefined {
  if (isManaged(existing)) {
    return `${[existing.managedBy, ...(existing.managedByExtended ?? [])].find(Boolean)} uses it`;
  }
  return hasChangedHands(existing.properties)
    ? `a VM may have used it (LastOwnershipUpdateTime ${existing.properties.LastOwnershipUpdateTime})`
    : undefined;
}

function isManaged({ managedBy, managedByExtended }: Existing): boolean {
  return Boolean(managedBy) || (managedByExtended ?? []).length > 0;
}

function sizeProblem(
  { bytes, gigabytes }: ExpectedSize,
  { diskSizeBytes, diskSizeGB }: Existing['properties'],
): string | undefined {
  if (bytes > 0 && diskSizeBytes && diskSizeBytes !== bytes) {
    return `it has ${diskSizeBytes} bytes, and its snapshot has ${bytes}`;
  }
  return gigabytes > 0 && diskSizeGB && diskSizeGB !== gigabytes
    ? `it has ${diskSizeGB} GB, and its snapshot has ${gigabytes}`
    : undefined;
}

/** No document says whether the making of a disk counts as the first change of its owner. */
const MAKING_MS = 60_000;

function hasChangedHands({
  timeCreated,
  LastOwnershipUpdateTime,
}: Existing['properties']): boolean {
  const changedMs = Date.parse(LastOwnershipUpdateTime ?? '');
  const createdMs = Date.parse(timeCreated ?? '');
  return !Number.isNaN(changedMs) && !(changedMs <= createdMs + MAKING_MS);
}
