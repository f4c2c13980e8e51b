import type { HostCall } from '../../snapshot/host/host-call.ts';
import { hostGet, hostPost } from '../../snapshot/host/host-client.ts';
import { EMPTY_SUCCESS, UNEXPECTED_FAILURE } from '../../snapshot/host/status-code.ts';
import type { PreparedRequest } from '../../snapshot/http/request.ts';
import { member, parseJsonObject } from '../../system/json.ts';

/** A snapshot that the host wants (host-api.md, Polling service). Holds secrets (`settings`). */
export interface SnapshotOrder {
  readonly snapshotId: string;
  /** What the host snapshots; −1 is the OS disk. Undefined: every disk. */
  readonly luns: readonly number[] | undefined;
  readonly settings: OrderSettings;
}

/** What an order says about its report, as it came: nothing of it is checked yet. Secret. */
export interface OrderSettings {
  readonly publicSettings: unknown;
  readonly protectedSettings: unknown;
  /** Names the certificate for which the protected ones are encrypted. */
  readonly thumbprint: unknown;
}

/** Why a snapshot is not what the host wanted. */
export interface OrderFault {
  /** Result code (status.md). */
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
  if (statusCode !== 200) {
    return { kind: 'failed', statusCode };
  }
  const order = orderIn(body);
  return order === undefined
    ? { kind: 'failed', statusCode: UNEXPECTED_FAILURE }
    : { kind: 'order', order };
}

function orderIn(body: string): SnapshotOrder | undefined {
  const answer = parseJsonObject(body);
  const snapshotId = member(answer, 'snapshotId');
  if (typeof snapshotId !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(snapshotId)) {
    return undefined;
  }
  const settings = member(answer, 'extensionSettings');
  const name = 'ProtectedSettingsCertThumbprint';
  return {
    snapshotId,
    luns: lunsIn(member(answer, 'luns')),
    settings: {
      publicSettings: member(settings, 'public'),
      protectedSettings: member(settings, 'protected'),
      thumbprint: member(answer, name) ?? member(settings, name),
    },
  };
}

function lunsIn(luns: unknown): number[] | undefined {
  return Array.isArray(luns) ? luns.flatMap((lun: unknown) => lunOf(lun) ?? []) : undefined;
}

/** A number, or a number as text. */
function lunOf(value: unknown): number | undefined {
  const lun = typeof value === 'string' && /^-?\d{1,5}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(lun) ? (lun as number) : undefined;
}

/** More than a machine has; what a host sends beyond is no reason to fill the log. */
const MAX_NAMED_LUNS = 100;

/** The disks of an order, for people. */
export function describeDisks({ luns }: Pick<SnapshotOrder, 'luns'>): string {
  if (luns === undefined || luns.length === 0) {
    return 'every disk';
  }
  const rest = luns.length - MAX_NAMED_LUNS;
  const named = luns.slice(0, MAX_NAMED_LUNS).join(', ');
  return rest > 0 ? `LUN ${named} and ${rest} more` : `LUN ${named}`;
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

type NamedOrder = Pick<SnapshotOrder, 'snapshotId'>;

export function startSnapshotRequest(
  order: NamedOrder,
  fault: OrderFault | undefined,
): PreparedRequest {
  return hostPost(`${PATH}startsnapshot`, bodyOf(order, fault));
}

export function publishSnapshotRequest(
  order: NamedOrder,
  fault: OrderFault | undefined,
): PreparedRequest {
  return hostPost(`${PATH}publishsnapshot`, bodyOf(order, fault));
}

/** The interface names no status for these; their answers have nothing to say. */
export function isAccepted(httpStatus: number): boolean {
  return httpStatus >= 200 && httpStatus < 300;
}

function bodyOf({ snapshotId }: NamedOrder, fault: OrderFault | undefined): object {
  return fault === undefined
    ? { snapshotId, errMsg: '' }
    : { snapshotId, errMsg: fault.message, error: { code: fault.code, message: fault.message } };
}
