import * as v from 'valibot';
import { jsonOf } from '../snapshot/managed/json-of.ts';

const word = v.pipe(v.string(), v.regex(/^[\w.-]{1,60}$/));
const text = v.nullish(v.string(), '');

/** What a disk, and a snapshot of it, have in common. */
export const sharedProperties = {
  hyperVGeneration: v.fallback(v.optional(word), undefined),
  encryption: v.nullish(
    v.object({ type: v.nullish(word), diskEncryptionSetId: v.nullish(v.string()) }),
  ),
  networkAccessPolicy: v.fallback(v.optional(word), undefined),
  diskAccessId: v.nullish(v.string()),
  publicNetworkAccess: v.fallback(v.optional(word), undefined),
  securityProfile: v.nullish(v.object({ securityType: v.nullish(word) })),
};

const properties = {
  ...sharedProperties,
  osType: v.fallback(v.optional(v.picklist(['Linux', 'Windows'])), undefined),
  diskSizeBytes: v.nullish(v.number(), 0),
  provisioningState: text,
  completionPercent: v.nullish(v.number(), 100),
  snapshotAccessState: text,
  diskState: text,
  creationData: v.nullish(v.object({ createOption: text })),
  copyCompletionError: v.nullish(v.object({ errorMessage: text })),
};
const sourceSchema = v.object({
  location: v.pipe(v.string(), v.minLength(1)),
  extendedLocation: v.nullish(v.object({ name: text })),
  properties: v.object(properties),
});
const diskPointSchema = v.object({ properties: v.object(properties) });

type SourceResource = v.InferOutput<typeof sourceSchema>;

/** What the service says of a snapshot that a disk is made of. */
export interface SourceFacts extends Pick<SourceResource, 'location' | 'properties'> {
  readonly edgeZone: string | undefined;
}

/** Reads the answer about a snapshot; undefined if it has not the expected form. Pure. */
export function readSource(body: readonly Uint8Array[]): SourceFacts | undefined {
  const parsed = v.safeParse(sourceSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  if (!parsed.success) {
    return undefined;
  }
  const { location, extendedLocation, properties } = parsed.output;
  const edgeZone = extendedLocation?.name ?? '';
  return { location, properties, edgeZone: edgeZone === '' ? undefined : edgeZone };
}

/**
 * Reads the answer about a disk in a restore point of a VM; undefined if it has not the expected form. Only one that is copied from
 * another region has a percentage. Pure.
 *
 * @param location of its collection
 */
export function readDiskPoint(
  body: readonly Uint8Array[],
  location: string,
): SourceFacts | undefined {
  const parsed = v.safeParse(diskPointSchema, jsonOf(Buffer.concat(body).toString('utf8')));
  return parsed.success
    ? {
        ...{ location, edgeZone: undefined },
        properties: {
          ...parsed.output.properties,
          ...{ provisioningState: 'Succeeded', creationData: { createOption: 'CopyStart' } },
        },
      }
    : undefined;
}

/**
 * Why no disk can be made of the snapshot now; undefined if one can. While Azure still copies the data of a snapshot in its own
 * region, disks can be made of it, unless the service says that it is pending (Premium SSD v2, Ultra); of one that is being copied
 * from another region none can. Pure.
 */
export function unusableBecause({
  properties,
}: Pick<SourceFacts, 'properties'>): string | undefined {
  const { provisioningState, copyCompletionError: failure } = properties;
  if (failure) {
    const reason = failure.errorMessage ? ` (“${failure.errorMessage.slice(0, 200)}”)` : '';
    return `Azure could not copy its data${reason}; no disk can be made of it`;
  }
  if (/^(?:failed|canceled)$/i.test(provisioningState ?? '')) {
    return `its provisioning state is ${provisioningState}; no disk can be made of it`;
  }
  return /^succeeded$/i.test(provisioningState ?? '')
    ? uncopiedBecause(properties)
    : `it is still being taken (${provisioningState || 'no state is known'}); try again when it has ended`;
}

/** Why the content of the snapshot cannot be read now; undefined if it can. Pure. */
export function unreadableBecause({
  properties,
}: Pick<SourceFacts, 'properties'>): string | undefined {
  const { diskState, snapshotAccessState } = properties;
  if (/^activesas$/i.test(diskState ?? '')) {
    return 'another program has read access to it (diskState ActiveSAS), which would be ended too; wait until it has ended, or end it: az snapshot revoke-access';
  }
  return /^instantaccess$/i.test(snapshotAccessState ?? '')
    ? 'its content cannot be read before Azure has copied its data (snapshotAccessState InstantAccess); try again then'
    : unusableBecause({ properties })?.replace('no disk can be made of it', 'it cannot be read');
}

function uncopiedBecause({
  completionPercent,
  snapshotAccessState,
  creationData,
}: SourceFacts['properties']): string | undefined {
  const percent = completionPercent ?? 100;
  const isMoved = /^copystart$/i.test(creationData?.createOption ?? '');
  const isPending = /^pending$/i.test(snapshotAccessState ?? '');
  return isPending || (isMoved && percent < 100)
    ? `Azure has copied ${percent} % of its data${isMoved ? ' from another region or disk' : ''}, and no disk can be made of it before that has ended; try again then`
    : undefined;
}
