import type { PreparedRequest } from '../../snapshot/blob/requests.ts';
import type { HostCall } from '../../snapshot/host/host-call.ts';
import { hostGet, hostPost } from '../../snapshot/host/host-client.ts';
import { parseJsonObject } from '../../snapshot/host/json.ts';
import { EMPTY_SUCCESS } from '../../snapshot/host/status-code.ts';

/** A snapshot that the host wants (host-api.md, Polling service). */
export interface SnapshotOrder {
  readonly snapshotId: string;
  /** Undefined: every disk. */
  readonly luns: readonly number[] | undefined;
}

/** Why a snapshot is not what the host wanted. */
export interface OrderFault {
  /** Result code, or a code of ours. */
  readonly code: string;
  /** For people; without secrets. */
  readonly message: string;
}

/** What the answer to "is there anything to do" comes to. */
export type OrderAnswer =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'order'; readonly order: SnapshotOrder }
  | { readonly kind: 'failed'; readonly statusCode: number };

const PATH = '/machine/plugins?comp=xdisksvc&type=';

export const CHECK_REQUEST = hostGet(`${PATH}checkforsnapshot`);

/** Pure. @param statusCode as `hostStatusCode` has it */
export function readOrder(statusCode: number, body: string): OrderAnswer {
  if (statusCode === 404) {
    return { kind: 'nothing' };
  }
  const order = statusCode === 200 ? orderIn(body) : undefined;
  return order === undefined ? { kind: 'failed', statusCode } : { kind: 'order', order };
}

function orderIn(body: string): SnapshotOrder | undefined {
  const { snapshotId, luns } = parseJsonObject(body) ?? {};
  if (typeof snapshotId !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(snapshotId)) {
    return undefined;
  }
  const isList = Array.isArray(luns);
  return { snapshotId, luns: isList ? luns.filter((lun) => Number.isInteger(lun)) : undefined };
}

/** The call inside the window: everything is frozen now. */
export function startSnapshotCall(order: SnapshotOrder): HostCall {
  return {
    request: startSnapshotRequest(order, undefined),
    succeeds: isAccepted,
    readAnswer: (statusCode) => {
      const nothing = { statusCode, uri: undefined, lun: undefined, directDrive: undefined };
      // Its body says nothing, and may be missing.
      return isAccepted(statusCode) || statusCode === EMPTY_SUCCESS
        ? [{ ok: true, ...nothing, snapshot: order.snapshotId }]
        : [
            {
              ok: false,
              ...nothing,
              message: `the host service answered ${statusCode} to startsnapshot`,
              serviceCode: undefined,
              httpStatus: undefined,
            },
          ];
    },
  };
}

export function startSnapshotRequest(
  order: SnapshotOrder,
  fault: OrderFault | undefined,
): PreparedRequest {
  return hostPost(`${PATH}startsnapshot`, bodyOf(order, fault));
}

export function publishSnapshotRequest(
  order: SnapshotOrder,
  fault: OrderFault | undefined,
): PreparedRequest {
  return hostPost(`${PATH}publishsnapshot`, bodyOf(order, fault));
}

/** The interface names no status for these; their answers have nothing to say. */
export function isAccepted(httpStatus: number): boolean {
  return httpStatus >= 200 && httpStatus < 300;
}

function bodyOf({ snapshotId }: SnapshotOrder, fault: OrderFault | undefined): object {
  return fault === undefined
    ? { snapshotId, errMsg: '' }
    : { snapshotId, errMsg: fault.message, error: { code: fault.code, message: fault.message } };
}
