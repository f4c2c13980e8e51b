import type { ExchangeEnd } from '../snapshot/http/exchange-end.ts';
import { failureOfExchange, GRANT } from '../snapshot/managed/disk-failures.ts';
import { deniedIn, type PointPurpose } from '../snapshot/managed/restore-point-failures.ts';
import type { ServiceError } from '../snapshot/managed/service-error.ts';
import type { RequestFailure } from '../snapshot/snapshot-types.ts';

/** Why a request about a restore did not succeed, and what to do. */
export function restoreFailure(
  end: ExchangeEnd | undefined,
  origin: string,
  purpose: PointPurpose,
): RequestFailure {
  // The service may miss another right than that of the request; its text is longer than what is kept of an error.
  const body = end !== undefined && 'answer' in end ? end.answer.body : [];
  const denied = deniedIn(Buffer.concat(body).toString('utf8')) ?? purpose;
  return failureOfExchange(end, origin, (httpStatus, error) => explain(httpStatus, error, denied));
}

function explain(
  httpStatus: number,
  error: ServiceError | undefined,
  purpose: PointPurpose,
): string {
  const text = quoted(error);
  switch (error?.code) {
    case 'PropertyChangeNotAllowed':
      return `another disk was made with this name meanwhile, and was left alone; use another --prefix.${text}`;
    case 'RequestDisallowedByPolicy':
      return `an Azure Policy does not permit it: choose another --to-resource-group or --sku, or change the policy.${text}`;
    case 'ScopeLocked':
      return `a read-only lock on it, its resource group or the subscription: remove it, or choose another --to-resource-group.${text}`;
    case 'ResourceGroupNotFound':
      return `the resource group does not exist, or the VM's identity sees nothing in it: check --to-resource-group.${text}`;
  }
  if (httpStatus === 401) {
    return `the token of the VM's identity was refused; check the clock of the VM, then call again.${text}`;
  }
  if (httpStatus === 403) {
    return `the VM's identity lacks ${purpose.action} on ${purpose.scope}: ${GRANT}`;
  }
  if (httpStatus === 404) {
    return `${purpose.scope} does not exist: it may have been deleted a moment ago.${text}`;
  }
  if (httpStatus === 429) {
    return `the subscription gets too many requests now; call again later.${text}`;
  }
  return httpStatus >= 500
    ? `the service is failing or busy; call again later.${text}`
    : `the service refuses the request.${text}`;
}

export function quoted(error: ServiceError | undefined): string {
  return error === undefined || error.message === '' ? '' : ` “${error.message}”`;
}
