import {
  array,
  boolean,
  type GenericSchema,
  type InferOutput,
  integer,
  literal,
  maxLength,
  maxValue,
  minValue,
  number,
  object,
  optional,
  picklist,
  pipe,
  record,
  safeParse,
  strictObject,
  string,
  unknown,
} from 'valibot';
import type { DiskSku } from './model.ts';
import { ManagedError } from './reply.ts';

/** `PUT …/snapshots/{name}`: nothing but the fields of section 2 of managed-disks.md. */
const SNAPSHOT_BODY = strictObject({
  location: string(),
  tags: optional(record(string(), string())),
  sku: optional(strictObject({ name: picklist(['Standard_LRS', 'Standard_ZRS', 'Premium_LRS']) })),
  extendedLocation: optional(strictObject({ name: string(), type: literal('EdgeZone') })),
  properties: strictObject({
    creationData: strictObject({
      createOption: string(),
      sourceResourceId: string(),
      instantAccessDurationMinutes: optional(
        pipe(number(), integer(), minValue(60), maxValue(300)),
      ),
    }),
    incremental: optional(boolean()),
    networkAccessPolicy: optional(picklist(['AllowAll', 'AllowPrivate', 'DenyAll'])),
    diskAccessId: optional(string()),
    publicNetworkAccess: optional(picklist(['Enabled', 'Disabled'])),
    dataAccessAuthMode: optional(picklist(['None', 'AzureActiveDirectory'])),
    encryption: optional(object({ type: optional(string()) })),
    encryptionSettingsCollection: optional(unknown()),
    securityProfile: optional(unknown()),
  }),
});
export type SnapshotBody = InferOutput<typeof SNAPSHOT_BODY>;

const DISK_SKUS = [
  'Standard_LRS',
  'StandardSSD_LRS',
  'StandardSSD_ZRS',
  'Premium_LRS',
  'Premium_ZRS',
  'PremiumV2_LRS',
  'UltraSSD_LRS',
] as const satisfies DiskSku[];

/** `PUT …/disks/{name}` of a disk that is made of a snapshot or restore point. */
const DISK_BODY = strictObject({
  location: string(),
  tags: optional(record(string(), string())),
  zones: optional(pipe(array(string()), maxLength(1))),
  sku: strictObject({
    name: picklist(DISK_SKUS),
  }),
  extendedLocation: optional(strictObject({ name: string(), type: literal('EdgeZone') })),
  properties: strictObject({
    creationData: strictObject({
      createOption: picklist(['Copy', 'Restore']),
      sourceResourceId: string(),
      logicalSectorSize: optional(picklist([512, 4096])),
    }),
    osType: optional(picklist(['Linux', 'Windows'])),
    hyperVGeneration: optional(picklist(['V1', 'V2'])),
    diskIOPSReadWrite: optional(number()),
    diskMBpsReadWrite: optional(number()),
    encryption: optional(strictObject({ type: string(), diskEncryptionSetId: optional(string()) })),
    securityProfile: optional(strictObject({ securityType: string() })),
    networkAccessPolicy: optional(picklist(['AllowAll', 'AllowPrivate', 'DenyAll'])),
    diskAccessId: optional(string()),
    publicNetworkAccess: optional(picklist(['Enabled', 'Disabled'])),
  }),
});
export type DiskBody = InferOutput<typeof DISK_BODY>;

/** `POST …/beginGetAccess`. */
const ACCESS_BODY = strictObject({
  access: literal('Read'),
  durationInSeconds: pipe(number(), integer(), minValue(60)),
  fileFormat: optional(picklist(['VHD', 'VHDX'])),
});

/** `PATCH …/snapshots/{name}`, as far as the lab knows it. */
const TAGS_BODY = strictObject({ tags: record(string(), string()) });

const COLLECTION_BODY = strictObject({
  location: string(),
  tags: optional(record(string(), string())),
  properties: strictObject({
    source: strictObject({ id: string() }),
    instantAccess: optional(boolean()),
  }),
});
export type CollectionBody = InferOutput<typeof COLLECTION_BODY>;

const RESTORE_POINT_BODY = strictObject({
  properties: optional(
    strictObject({
      excludeDisks: optional(array(strictObject({ id: string() }))),
      consistencyMode: optional(string()),
      instantAccessDurationMinutes: optional(number()),
    }),
  ),
});
export type RestorePointBody = InferOutput<typeof RESTORE_POINT_BODY>;

export const snapshotBody = (text: string): SnapshotBody => parse(SNAPSHOT_BODY, text);
export const tagsBody = (text: string): InferOutput<typeof TAGS_BODY> => parse(TAGS_BODY, text);
export const diskBody = (text: string): DiskBody => parse(DISK_BODY, text);
export const accessBody = (text: string): InferOutput<typeof ACCESS_BODY> =>
  parse(ACCESS_BODY, text);
export const collectionBody = (text: string): CollectionBody => parse(COLLECTION_BODY, text);
export const restorePointBody = (text: string): RestorePointBody => parse(RESTORE_POINT_BODY, text);

/** The source that a body names, whatever else is wrong with it; for the log and for faults. */
export function sourceOf(text: string): string | undefined {
  try {
    const { properties } = JSON.parse(text) as {
      properties?: { creationData?: { sourceResourceId?: unknown } };
    };
    const source = properties?.creationData?.sourceResourceId;
    return typeof source === 'string' ? source : undefined;
  } catch {
    return undefined;
  }
}

/** Throws 400. */
function parse<Schema extends GenericSchema>(schema: Schema, text: string): InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ManagedError(400, 'InvalidRequestContent', {
      message: 'The request content was invalid and could not be deserialized.',
    });
  }
  const parsed = safeParse(schema, value);
  if (parsed.success) {
    return parsed.output;
  }
  const [issue] = parsed.issues;
  const path = issue.path?.map(({ key }) => String(key)).join('.') ?? '';
  throw new ManagedError(400, 'InvalidParameter', {
    message: `The value of parameter ${path} is invalid: ${issue.message}.`,
    details: [{ code: 'InvalidParameter', target: path, message: issue.message }],
  });
}
