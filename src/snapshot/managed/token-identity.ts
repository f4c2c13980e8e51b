import * as v from 'valibot';
import { jsonOf } from './json-of.ts';

/** Whose token it is, as the token itself says; nothing of it is secret. */
export interface TokenIdentity {
  readonly clientId: string | undefined;
  /** What roles are assigned to. */
  readonly principalId: string | undefined;
  readonly kind: 'system-assigned' | 'user-assigned' | undefined;
}

const uuid = v.fallback(v.optional(v.pipe(v.string(), v.uuid())), undefined);
const claimsSchema = v.object({
  appid: uuid,
  oid: uuid,
  xms_mirid: v.fallback(v.optional(v.string()), undefined),
});

const UNKNOWN: TokenIdentity = { clientId: undefined, principalId: undefined, kind: undefined };

/** Reads the claims of a token, which only the resource manager is meant to understand: so none of them is relied on. Pure. */
export function identityIn(token: string): TokenIdentity {
  const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  const parsed = v.safeParse(claimsSchema, jsonOf(claims));
  if (!parsed.success) {
    return UNKNOWN;
  }
  const { appid, oid, xms_mirid: resource = '' } = parsed.output;
  return { clientId: appid, principalId: oid, kind: kindOf(resource) };
}

/** A system-assigned identity is that of a VM or scale set. */
function kindOf(resource: string): TokenIdentity['kind'] {
  if (/\/Microsoft\.ManagedIdentity\/userAssignedIdentities\//i.test(resource)) {
    return 'user-assigned';
  }
  return /\/Microsoft\.Compute\//i.test(resource) ? 'system-assigned' : undefined;
}
