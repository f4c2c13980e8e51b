import type { OldDisk } from './old-disks.ts';
import type { SourceFacts } from './source-facts.ts';

/** Storage type and zone that were asked for. */
export interface PlacementWishes {
  /** By LUN; for disks that are not in it: `sku`. */
  readonly skuOf: ReadonlyMap<number | 'os', string>;
  /** Undefined: that of the old disk. */
  readonly sku: string | undefined;
  /** `none`: in no zone. Undefined: that of the old disk. */
  readonly zone: string | undefined;
}

/** Where a new disk comes to lie. What is undefined is not known. */
export interface Placement {
  readonly sku: string | undefined;
  /** `none`: in no zone. */
  readonly zone: string | undefined;
}

/** Wishes come first, then what the old disk has. Pure. */
export function placementOf(
  lun: number | 'os' | undefined,
  { skuOf, sku, zone }: PlacementWishes,
  old: Pick<OldDisk, 'sku' | 'zone'> | undefined,
): Placement {
  const chosen = (lun === undefined ? undefined : skuOf.get(lun)) ?? sku ?? old?.sku;
  // A zone-redundant disk lies in all zones.
  const isEverywhere = chosen !== undefined && /_ZRS$/i.test(chosen);
  const own = zone ?? (old === undefined ? undefined : (old.zone ?? 'none'));
  return { sku: chosen, zone: isEverywhere ? 'none' : own };
}

/** The options that are missing to make a disk; empty if nothing is. Pure. */
export function missingOptions({ sku, zone }: Placement): string[] {
  return [
    ...(sku === undefined ? ['--sku <storage type>'] : []),
    ...(zone === undefined ? ['--zone <zone> (or none)'] : []),
  ];
}

export interface DiskBodyParts {
  readonly source: SourceFacts;
  /** Id of the snapshot, or of a disk in a restore point of the VM. */
  readonly sourceId: string;
  readonly createOption: 'Copy' | 'Restore';
  readonly isOs: boolean;
  readonly old: OldDisk | undefined;
  readonly placement: Placement;
  readonly tags: Readonly<Record<string, string>>;
}

/**
 * The body of the request for a disk. The service takes the size from the snapshot. Access over the network and the encryption are
 * those of the old disk, or else of the snapshot: a disk that was closed must not be open after a restore. Pure.
 */
export function diskBody(parts: DiskBodyParts): object {
  const { source, sourceId, createOption, isOs, old, placement, tags } = parts;
  const { sku, zone } = placement;
  const sectors = old?.properties.creationData?.logicalSectorSize;
  const of = source.properties;
  return {
    location: source.location,
    ...(source.edgeZone === undefined
      ? {}
      : { extendedLocation: { name: source.edgeZone, type: 'EdgeZone' } }),
    ...{ sku: { name: sku }, ...(zone === undefined || zone === 'none' ? {} : { zones: [zone] }) },
    tags,
    properties: {
      creationData: {
        ...{ createOption, sourceResourceId: sourceId },
        ...(isProvisioned(sku) && sectors ? { logicalSectorSize: sectors } : {}),
      },
      ...(of.osType === undefined && !isOs ? {} : { osType: of.osType ?? 'Linux' }),
      ...present('hyperVGeneration', of.hyperVGeneration ?? old?.properties.hyperVGeneration),
      ...securityOf(of),
      ...accessOf(old?.properties ?? of),
      ...encryptionOf(old?.properties ?? of),
      ...(isProvisioned(sku) ? performanceOf(old) : {}),
    },
  };
}

type Shared = OldDisk['properties'] | SourceFacts['properties'];

/** Storage types whose performance is chosen, not given by the size. */
export function isProvisioned(sku: string | undefined): boolean {
  return /^(?:PremiumV2|UltraSSD)_LRS$/i.test(sku ?? '');
}

function performanceOf(old: OldDisk | undefined): object {
  const { diskIOPSReadWrite, diskMBpsReadWrite } = old?.properties ?? {};
  return isProvisioned(old?.sku)
    ? {
        ...present('diskIOPSReadWrite', diskIOPSReadWrite),
        ...present('diskMBpsReadWrite', diskMBpsReadWrite),
      }
    : {};
}

/** The state of a confidential VM is more than this, and is left to the service. */
function securityOf({ securityProfile }: Shared): object {
  const type = securityProfile?.securityType;
  return type === 'TrustedLaunch' ? { securityProfile: { securityType: type } } : {};
}

function accessOf({ networkAccessPolicy, diskAccessId, publicNetworkAccess }: Shared): object {
  return {
    ...present('networkAccessPolicy', networkAccessPolicy),
    ...present('diskAccessId', diskAccessId),
    ...present('publicNetworkAccess', publicNetworkAccess),
  };
}

function encryptionOf({ encryption }: Shared): object {
  const { type, diskEncryptionSetId } = encryption ?? {};
  return type && diskEncryptionSetId ? { encryption: { type, diskEncryptionSetId } } : {};
}

function present(name: string, value: string | number | null | undefined): object {
  return value === undefined || value === null || value === '' ? {} : { [name]: value };
}
