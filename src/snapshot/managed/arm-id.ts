/** Types of resources that flashfreeze names in a URL. */
export type ArmType = 'disks' | 'snapshots' | 'virtualMachines' | 'restorePointCollections';

/** The id of a resource of Microsoft.Compute, checked: every part may stand in the path of a URL. */
export interface ArmId {
  /** As it was given. */
  readonly text: string;
  readonly subscription: string;
  readonly group: string;
  readonly name: string;
}

const SUBSCRIPTION = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Letters of any script, digits, and few marks; not a period at the end. */
const GROUP = /^[\p{L}\p{N}_.()-]{0,89}[\p{L}\p{N}_()-]$/u;
const NAME = /^[\w.-]{1,80}$/;

/**
 * Takes an id such as `/subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/disks/data1` apart. The names of the
 * parts are compared without case; anything else than the exact form is refused, since the parts go into URLs.
 *
 * @returns undefined if it is not the id of a resource of this type
 */
export function parseArmId(text: string, type: ArmType): ArmId | undefined {
  const parts = text.split('/');
  const [empty, s, subscription = '', g, group = '', p, provider, ofType, name = ''] = parts;
  const fixed = [empty, s, g, p, provider, ofType].join('/').toLowerCase();
  const expected =
    `/subscriptions/resourcegroups/providers/microsoft.compute/${type}`.toLowerCase();
  return parts.length === 9 &&
    fixed === expected &&
    SUBSCRIPTION.test(subscription) &&
    isGroupName(group) &&
    isResourceName(name)
    ? { text, subscription, group, name }
    : undefined;
}

/** The id of a disk in a restore point of a VM, checked like that of a resource. */
export interface DiskPointId extends ArmId {
  readonly collection: ArmId;
  /** Id of the restore point. */
  readonly point: string;
  /** Of the restore point. */
  readonly pointName: string;
}

/** Undefined if it is not the id of a disk in a restore point of a VM. */
export function parseDiskPointId(text: string): DiskPointId | undefined {
  const parts = text.split('/');
  const collection = parseArmId(parts.slice(0, 9).join('/'), 'restorePointCollections');
  const [points, pointName = '', disks, name = ''] = parts.slice(9);
  return collection !== undefined &&
    parts.length === 13 &&
    isSameId(`${points}/${disks}`, 'restorePoints/diskRestorePoints') &&
    isResourceName(pointName) &&
    /^[\w.-]{1,200}$/.test(name)
    ? {
        ...{ text, subscription: collection.subscription, group: collection.group, name },
        ...{ collection, pointName, point: parts.slice(0, 11).join('/') },
      }
    : undefined;
}

export function isGroupName(text: string): boolean {
  return GROUP.test(text);
}

export function isResourceName(text: string): boolean {
  return NAME.test(text) && !/^\.+$/.test(text);
}

export function isSubscription(text: string): boolean {
  return SUBSCRIPTION.test(text);
}

/** The id of a resource; the parts must have been checked. */
export function armId(
  { subscription, group }: Pick<ArmId, 'subscription' | 'group'>,
  type: ArmType,
  name: string,
): ArmId {
  const text = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.Compute/${type}/${name}`;
  return { text, subscription, group, name };
}

/** The path of a resource in a URL: a group's name may have letters outside ASCII. */
export function armPath({ text }: Pick<ArmId, 'text'>): string {
  return text.split('/').map(encodeURIComponent).join('/');
}

/** Ids and names are compared without case: the service itself changes it. */
export function isSameId(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
