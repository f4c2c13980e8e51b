import { FlashfreezeError } from '../errors.ts';
import type { ExchangeEnd } from '../snapshot/http/exchange-end.ts';
import { diskErrorCode, failureOfExchange, GRANT } from '../snapshot/managed/disk-failures.ts';
import type { ServiceError } from '../snapshot/managed/service-error.ts';
import type { ManagedService } from './managed-service.ts';

/**
 * The error of a list that the service refuses.
 *
 * @param what it is a list of, e.g. `snapshots`
 * @param action the right that it needs
 */
export function refused(
  end: ExchangeEnd | undefined,
  { origin, group }: Pick<ManagedService, 'origin' | 'group'>,
  what: string,
  action: string,
): FlashfreezeError {
  const failure = failureOfExchange(end, origin, (httpStatus, error) =>
    explain(httpStatus, error, group, action),
  );
  return new FlashfreezeError(
    diskErrorCode(failure),
    `cannot list the ${what} in the resource group ${group}: ${failure.message}`,
  );
}

function explain(
  httpStatus: number,
  error: ServiceError | undefined,
  group: string,
  action: string,
): string {
  switch (httpStatus) {
    case 403:
      return `the VM's identity lacks ${action} on it: ${GRANT}`;
    case 404:
      return `there is no resource group ${group} in the subscription of this VM; give another --resource-group`;
    case 429:
      return 'too many requests; try again in a few minutes';
    default:
      return `${error?.code ?? `HTTP ${httpStatus}`}${error?.message ? `: ${error.message}` : ''}`;
  }
}

/** The token goes to the resource manager alone, so a link to another server ends the list with an error. */
export function nextPath(nextLink: string, origin: string, what: string): string | undefined {
  if (nextLink === '') {
    return undefined;
  }
  const url = URL.canParse(nextLink) ? new URL(nextLink) : undefined;
  if (url?.origin !== origin || url.username !== '') {
    throw new FlashfreezeError(
      'FF_DISK_REFUSED',
      `${origin}: the next page of the list of ${what} is not at this address; nothing was done with the part that was read`,
    );
  }
  return `${url.pathname}${url.search}`;
}
