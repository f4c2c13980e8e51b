/** What a SAS permits according to its `sp` parameter. */
export interface Permissions {
  readonly read: boolean;
  /** A snapshot needs create or write. */
  readonly snapshot: boolean;
  /** A lease needs write, so a create-only SAS can snapshot a blob but cannot be tested with a lease. */
  readonly lease: boolean;
  /** Whether its container may be listed, which the SAS of a single blob never permits. */
  readonly list: boolean;
}

/**
 * `sp` of a SAS lists the permissions; a SAS that names a stored policy may have none, and everything may be permitted.
 * https://learn.microsoft.com/rest/api/storageservices/create-service-sas
 */
export function permissionsOf(query: string): Permissions {
  const sas = new URLSearchParams(query);
  const granted = sas.get('sp');
  if (granted === null) {
    return { read: true, snapshot: true, lease: true, list: sas.get('sr') === 'c' };
  }
  return {
    read: granted.includes('r'),
    snapshot: /[cw]/.test(granted),
    lease: granted.includes('w'),
    list: sas.get('sr') !== 'b' && granted.includes('l'),
  };
}
