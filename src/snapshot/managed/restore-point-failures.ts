import type { RawAnswer } from '../http/attempt.ts';
import type { ExchangeEnd } from '../http/exchange-end.ts';
import type { RequestFailure } from '../snapshot-types.ts';
import { failureOfExchange, GRANT, requestIdOf } from './disk-failures.ts';
import type { ServiceError } from './service-error.ts';

/** The right that a request needs, such as `Microsoft.Compute/restorePointCollections/read`, and where. */
export interface PointPurpose {
  readonly action: string;
  readonly scope: string;
}

const COLLECTIONS = 'Microsoft.Compute/restorePointCollections';

export const POINT_ACTIONS = {
  readCollection: `${COLLECTIONS}/read`,
  writeCollection: `${COLLECTIONS}/write`,
  readPoint: `${COLLECTIONS}/restorePoints/read`,
  writePoint: `${COLLECTIONS}/restorePoints/write`,
} as const;

/** Why an exchange about a restore point did not succeed; an answer counts as a refusal, whatever its status. */
export function pointFailureOfEnd(
  end: ExchangeEnd | undefined,
  origin: string,
  purpose: PointPurpose,
): RequestFailure {
  return failureOfExchange(end, origin, (httpStatus, error) => explain(httpStatus, error, purpose));
}

/** For an operation that was accepted and then ended without a point. */
export function failureOfPointOperation(
  { code, message }: ServiceError,
  origin: string,
  accepted: RawAnswer | undefined,
): RequestFailure {
  return {
    kind: 'http',
    message: `${origin}: the operation that makes the restore point ended with ${code}${quoted(message)}; try again, and look at the activity log of the VM if it happens again`,
    httpStatus: accepted?.httpStatus,
    serviceCode: code,
    requestId: accepted && requestIdOf(accepted),
  };
}

const LIMITS =
  'Azure makes one restore point of a VM at a time and few in an hour (the documents say 3, or 1), keeps 500, and takes no Ultra, Premium SSD v2, write-accelerated, shared and ephemeral disks into crash-consistent ones (leave such disks out with --exclude-lun)';

function explain(
  httpStatus: number,
  error: ServiceError | undefined,
  purpose: PointPurpose,
): string {
  const text = quoted(error?.message ?? '');
  switch (error?.code) {
    case 'RequestDisallowedByPolicy':
      return `an Azure Policy does not permit it: choose another --resource-group, or change the policy.${text}`;
    case 'ScopeLocked':
      return `a read-only lock on the collection, its resource group or the subscription: remove it, or choose another --resource-group.${text}`;
    case 'ResourceGroupNotFound':
      return `the resource group does not exist, or the VM's identity sees nothing in it: check --resource-group.${text}`;
  }
  if (httpStatus === 401) {
    return `the token of the VM's identity was refused; check the clock of the VM, then try again.${text}`;
  }
  if (httpStatus === 403) {
    const { action, scope } = deniedIn(error?.message ?? '') ?? purpose;
    return `the VM's identity lacks ${action} on ${scope}: ${GRANT}`;
  }
  if (httpStatus === 404) {
    return `${purpose.scope} does not exist: it may have been deleted a moment ago.${text}`;
  }
  if (httpStatus === 409) {
    return `the service does not make the restore point now. ${LIMITS}.${text}`;
  }
  if (httpStatus === 429) {
    return `the subscription or the VM gets too many requests now; try again later.${text}`;
  }
  return httpStatus >= 500
    ? `the service is failing or busy; try again later.${text}`
    : `the service refuses the request.${text}`;
}

/** The right that the service names: a request may need another one besides its own. Pure. */
export function deniedIn(message: string): PointPurpose | undefined {
  const found =
    /perform action(?:\(s\))? '(Microsoft\.[\w./]{1,120})' (?:over scope|on the linked scope\(s\)) '(\/[^']{1,400})'/.exec(
      message,
    );
  const [, action, scope] = found ?? [];
  return action === undefined || scope === undefined ? undefined : { action, scope };
}

function quoted(message: string): string {
  return message === '' ? '' : ` “${message}”`;
}
